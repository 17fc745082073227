SELECT CAST(`a#1` AS Nullable(UInt8)) AS `a`, CAST(`b#2` AS Nullable(UInt8)) AS `b`, CAST(`c#3` AS Nullable(UInt8)) AS `c`, CAST(`d#4` AS Nullable(Int64)) AS `d`, CAST(`e#5` AS Nullable(Int64)) AS `e`
FROM (
  SELECT if(isNull(`severityLevel`) AND isNull(`itemCount`), NULL, ifNull((`severityLevel` = `itemCount`), 0)) AS `a#1`, (ifNull(toInt64(`severityLevel`) IN (toInt64(1), toInt64(2)), 0)) AS `b#2`, not((toInt64(`severityLevel`) > toInt64(1))) AS `c#3`, if(ifNull(toInt64(`itemCount`), 0) = 0, NULL, intDiv(toInt64(`severityLevel`), if(ifNull(toInt64(`itemCount`), 1) = 0, toInt64(1), ifNull(toInt64(`itemCount`), 1)))) AS `d#4`, toInt64(if((toInt64(`severityLevel`)) % (toInt64(3)) < 0, (toInt64(`severityLevel`)) % (toInt64(3)) + toInt64(abs(toInt64(3))), (toInt64(`severityLevel`)) % (toInt64(3)))) AS `e#5`
  FROM `memline`.`traces`
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
