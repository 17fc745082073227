SELECT CAST(`d#4` AS Nullable(Int64)) AS `d`
FROM (
  SELECT if(throwIf(match(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), ''), '(^|[:,\\[])[ \\t-\\r]*-?([0-9]{19}|[0-9.]+[eE][+-]?[0-9]{3})|\\\\u[dD][89a-fA-F]'), 'memline: JSON with a key twice, numbers beyond 64 bits, or halves of characters') = 0, multiIf(JSONType(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')) = 'String', if(throwIf(match(JSONExtractString(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')), '^[\\t-\\r ]*(0[xX]|[+-]?[0-9]{19,}[\\t-\\r ]*$)'), 'memline: tolong of hexadecimal or very long digits') = 0, if(match(JSONExtractString(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')), '^[\\t-\\r ]*[+-]?[0-9]{1,18}[\\t-\\r ]*$'), toInt64OrNull(replaceRegexpAll(JSONExtractString(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')), '[+\\t-\\r ]', '')), NULL), toInt64(0)), JSONType(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')) = 'Int64', JSONExtractInt(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')), JSONType(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')) = 'Double', arrayMap(v -> multiIf(NOT isFinite(v), NULL, v <= -9223372036854775808., toInt64(-9223372036854775807) - 1, v >= 9223372036854775808., toInt64(9223372036854775807), toInt64(v)), [JSONExtractFloat(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), ''))])[1], JSONType(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')) = 'Bool', toInt64(JSONExtractBool(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), ''))), throwIf(JSONType(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')) = 'UInt64', 'memline: a number beyond 64 bits') != 0, JSONExtractInt(ifNull(nullIf(nullIf(`element#3`.1, 'null'), ''), '')), NULL), 1) AS `d#4`, `row#1`, toInt64(`element#3`.2 - 1) AS `key#5`
  FROM (
    SELECT `d#2`, arrayJoin(arrayMap((v, i) -> (v, i), multiIf(throwIf(JSONType(ifNull(`d#2`, '')) = 'Object', 'memline: mv-expand of a bag') != 0, [''], throwIf(JSONType(ifNull(`d#2`, '')) = 'Array' AND match(ifNull(`d#2`, ''), '[0-9][.eE]|[0-9]{19}|-0|[\\\\/\\x00-\\x08]'), 'memline: mv-expand of real numbers, slashes or escapes') != 0, [''], JSONType(ifNull(`d#2`, '')) = 'Array', JSONExtractArrayRaw(ifNull(`d#2`, '')), [ifNull(`d#2`, '')]), arrayEnumerate(multiIf(throwIf(JSONType(ifNull(`d#2`, '')) = 'Object', 'memline: mv-expand of a bag') != 0, [''], throwIf(JSONType(ifNull(`d#2`, '')) = 'Array' AND match(ifNull(`d#2`, ''), '[0-9][.eE]|[0-9]{19}|-0|[\\\\/\\x00-\\x08]'), 'memline: mv-expand of real numbers, slashes or escapes') != 0, [''], JSONType(ifNull(`d#2`, '')) = 'Array', JSONExtractArrayRaw(ifNull(`d#2`, '')), [ifNull(`d#2`, '')])))) AS `element#3`, `row#1`
    FROM (
      SELECT '[1,2]' AS `d#2`, `row#1`
      FROM (
        SELECT toInt64(0) AS `row#1`
      )
    )
  )
)
ORDER BY `row#1` ASC, `key#5` ASC
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
