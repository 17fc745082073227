SELECT CAST(`id#4` AS String) AS `id`, CAST(`other#8` AS String) AS `other`
FROM (
  SELECT `id#4`, `duration#5`, `duration#7`, `other#8`
  FROM (
    SELECT `id` AS `id#4`, `duration` AS `duration#5`, toUInt8(1) AS `here#6`, isNull(`duration`) AS `key#1`, isNaN(ifNull(`duration`, 0)) AS `key#2`, if(isNaN(ifNull(`duration`, 0)), 0., toFloat64(ifNull(`duration`, 0)) + 0.) AS `key#3`
    FROM `memline`.`requests`
  ) AS `left#10` ALL INNER JOIN (
    SELECT `duration` AS `duration#7`, `id` AS `other#8`, toUInt8(1) AS `here#9`, isNull(`duration`) AS `key#1`, isNaN(ifNull(`duration`, 0)) AS `key#2`, if(isNaN(ifNull(`duration`, 0)), 0., toFloat64(ifNull(`duration`, 0)) + 0.) AS `key#3`
    FROM `memline`.`requests`
  ) AS `right#11` USING (`key#1`, `key#2`, `key#3`)
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
