SELECT CAST(`kind#1` AS String) AS `kind`, CAST(`t#2` AS Nullable(Int64)) AS `t`, CAST(`text#3` AS String) AS `text`, CAST(`duration#4` AS Nullable(Float64)) AS `duration`
FROM (
  SELECT CAST('union_arg0' AS String) AS `kind#1`, CAST(`timestamp` AS Int64) AS `t#2`, CAST(`message` AS String) AS `text#3`, CAST(CAST(NULL AS Nullable(Float64)) AS Nullable(Float64)) AS `duration#4`
  FROM `memline`.`traces`
  UNION ALL
  SELECT CAST('union_arg1' AS String) AS `kind#1`, CAST(`timestamp` AS Int64) AS `t#2`, CAST('' AS String) AS `text#3`, CAST(`duration` AS Nullable(Float64)) AS `duration#4`
  FROM `memline`.`requests`
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
