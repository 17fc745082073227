SELECT CAST(`a#2` AS String) AS `a`, CAST(`na\`me#3` AS String) AS `na\`me`
FROM (
  SELECT 'quote \' back \\ tick ` nul \x00 tab \t é' AS `a#2`, 'x' AS `na\`me#3`, `row#1`
  FROM (
    SELECT toInt64(0) AS `row#1`
  )
)
ORDER BY `row#1` ASC
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
