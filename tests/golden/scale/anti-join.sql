SELECT CAST(`id#2` AS String) AS `id`
FROM (
  SELECT `id` AS `id#2`, `operation_Id` AS `operation_Id#3`, toUInt8(1) AS `here#4`, `operation_Id` AS `key#1`
  FROM `memline`.`requests`
)
WHERE (`key#1`) NOT IN (
  SELECT `key#1`
  FROM (
    SELECT `operation_Id` AS `operation_Id#5`, toUInt8(1) AS `here#6`, `operation_Id` AS `key#1`
    FROM `memline`.`traces`
  )
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
