SELECT CAST(`id#2` AS String) AS `id`, CAST(`severityLevel#6` AS Nullable(Int32)) AS `severityLevel`
FROM (
  SELECT `id#2`, `operation_Id#3`, `operation_Id#5`, `severityLevel#6`
  FROM (
    SELECT `id` AS `id#2`, `operation_Id` AS `operation_Id#3`, toUInt8(1) AS `here#4`, `operation_Id` AS `key#1`
    FROM `memline`.`requests`
  ) AS `left#8` ALL LEFT JOIN (
    SELECT `operation_Id` AS `operation_Id#5`, `severityLevel` AS `severityLevel#6`, toUInt8(1) AS `here#7`, `operation_Id` AS `key#1`
    FROM `memline`.`traces`
  ) AS `right#9` USING (`key#1`)
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
