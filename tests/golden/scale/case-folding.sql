SELECT CAST(`itemId#1` AS String) AS `itemId`
FROM (
  SELECT `itemId` AS `itemId#1`
  FROM `memline`.`traces`
  WHERE match(`message`, '[Éé]')
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
