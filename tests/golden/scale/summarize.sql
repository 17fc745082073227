SELECT CAST(`timestamp#1` AS Nullable(Int64)) AS `timestamp`, CAST(`name#2` AS String) AS `name`, CAST(`agg2#3` AS Nullable(Int64)) AS `count_`, CAST(`agg3#4` AS Nullable(Int64)) AS `countif_`, CAST(`agg4#5` AS Nullable(Float64)) AS `avg_duration`, CAST(`agg5#6` AS Nullable(Float64)) AS `max_duration`, CAST(`agg6#7` AS Nullable(Int64)) AS `dcount_operation_Id`, CAST(`agg7#8` AS Nullable(Float64)) AS `percentile_duration_95`
FROM (
  SELECT (`timestamp` - `timestamp` % 36000000000) AS `timestamp#1`, `name` AS `name#2`, toInt64(count()) AS `agg2#3`, toInt64(countIf(ifNull((`duration` > 10.0), 0))) AS `agg3#4`, (toFloat64(ifNull(sum(`duration`), 0)) / ifNull(count(`duration`), 0)) AS `agg4#5`, if(max(toUInt8(ifNull(isNaN(`duration`), 0))) = 1, nan, max(if(isNaN(`duration`), NULL, `duration`))) AS `agg5#6`, toInt64(uniqExact(`operation_Id`)) AS `agg6#7`, arrayMap(a -> if(empty(a), NULL, arrayElement(arrayConcat(arrayFilter(v -> isNaN(v), a), arraySort(arrayFilter(v -> NOT isNaN(v), a))), toUInt32(least(greatest(ceil(95.0 / 100 * length(a)), 1.), toFloat64(length(a)))))), [groupArray(`duration`)])[1] AS `agg7#8`
  FROM `memline`.`requests`
  GROUP BY (`timestamp` - `timestamp` % 36000000000), `name`
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
