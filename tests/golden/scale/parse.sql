SELECT CAST(`seconds#8` AS Nullable(Float64)) AS `seconds`, CAST(`rest#5` AS String) AS `who`
FROM (
  SELECT `message#6`, if(throwIf(match(substring(`rest#3`, 1, greatest(`at#4`, 1) - 1), '^[\\t-\\r ]*[+-]?([iI]nf|[nN]a[nN]|\\.|[0-9]+\\.?[eE]|[0-9]*\\.[0-9]+[eE]|[0-9]+\\.[\\t-\\r ]*$|[0-9.]{20,})'), 'memline: todouble of text with an exponent, without digits or with very many') = 0, if(match(substring(`rest#3`, 1, greatest(`at#4`, 1) - 1), '^[\\t-\\r ]*[+-]?[0-9]+(\\.[0-9]+)?[\\t-\\r ]*$'), toFloat64OrNull(replaceRegexpAll(substring(`rest#3`, 1, greatest(`at#4`, 1) - 1), '[+\\t-\\r ]', '')), NULL), 0.) AS `seconds#8`, `rest#5`
  FROM (
    SELECT `message` AS `message#6`, `message` AS `text#1`, position(`text#1`, 'took ') AS `at#2`, substring(`text#1`, `at#2` + 5) AS `rest#3`, position(`rest#3`, 's for ') AS `at#4`, substring(`rest#3`, `at#4` + 6) AS `rest#5`, toUInt8(1) AS `c#7`
    FROM `memline`.`traces`
  )
  WHERE `at#2` > 0 AND `at#4` > 0 AND isNotNull(if(throwIf(match(substring(`rest#3`, 1, greatest(`at#4`, 1) - 1), '^[\\t-\\r ]*[+-]?([iI]nf|[nN]a[nN]|\\.|[0-9]+\\.?[eE]|[0-9]*\\.[0-9]+[eE]|[0-9]+\\.[\\t-\\r ]*$|[0-9.]{20,})'), 'memline: todouble of text with an exponent, without digits or with very many') = 0, if(match(substring(`rest#3`, 1, greatest(`at#4`, 1) - 1), '^[\\t-\\r ]*[+-]?[0-9]+(\\.[0-9]+)?[\\t-\\r ]*$'), toFloat64OrNull(replaceRegexpAll(substring(`rest#3`, 1, greatest(`at#4`, 1) - 1), '[+\\t-\\r ]', '')), NULL), 0.))
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
