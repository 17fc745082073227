SELECT CAST(`c#6` AS String) AS `success`, CAST(`agg1#40` AS Nullable(String)) AS `names`, CAST(`agg2#41` AS Nullable(Float64)) AS `first`, CAST(`agg3#42` AS String) AS `id`
FROM (
  SELECT `c#6`, concat('[', arrayStringConcat(arrayMap(v -> assumeNotNull(toJSONString(v)), arraySlice(arrayMap(p -> p.2, arraySort(p -> p.1, groupArray((`row#38`, assumeNotNull(`c#4`))))), 1, 1048576)), ','), ']') AS `agg1#40`, anyIf(toNullable(`c#8`), `taken#39`) AS `agg2#41`, anyIf(`c#2`, `taken#39`) AS `agg3#42`, min(`row#38`) AS `row#43`
  FROM (
    SELECT `c#1`, `c#2`, `c#3`, `c#4`, `c#5`, `c#6`, `c#7`, `c#8`, `c#9`, `c#10`, `c#11`, `c#12`, `c#13`, `c#14`, `c#15`, `c#16`, `c#17`, `c#18`, `c#19`, `c#20`, `c#21`, `c#22`, `c#23`, `c#24`, `c#25`, `c#26`, `c#27`, `c#28`, `c#29`, `c#30`, `c#31`, `c#32`, `c#33`, `c#34`, `c#35`, `c#36`, `c#37`, toUInt8(row_number() OVER (PARTITION BY `c#6` ORDER BY isNull(`c#8`), ifNull(isNaN(`c#8`), 0) DESC, `c#8` ASC, `row#38`) = 1) AS `taken#39`, `row#38`
    FROM (
      SELECT `timestamp` AS `c#1`, `id` AS `c#2`, `source` AS `c#3`, `name` AS `c#4`, `url` AS `c#5`, `success` AS `c#6`, `resultCode` AS `c#7`, `duration` AS `c#8`, `performanceBucket` AS `c#9`, nullIf(`customDimensions`, '') AS `c#10`, nullIf(`customMeasurements`, '') AS `c#11`, `operation_Name` AS `c#12`, `operation_Id` AS `c#13`, `operation_ParentId` AS `c#14`, `operation_SyntheticSource` AS `c#15`, `session_Id` AS `c#16`, `user_Id` AS `c#17`, `user_AuthenticatedId` AS `c#18`, `user_AccountId` AS `c#19`, `application_Version` AS `c#20`, `client_Type` AS `c#21`, `client_Model` AS `c#22`, `client_OS` AS `c#23`, `client_IP` AS `c#24`, `client_City` AS `c#25`, `client_StateOrProvince` AS `c#26`, `client_CountryOrRegion` AS `c#27`, `client_Browser` AS `c#28`, `cloud_RoleName` AS `c#29`, `cloud_RoleInstance` AS `c#30`, `appId` AS `c#31`, `appName` AS `c#32`, `iKey` AS `c#33`, `sdkVersion` AS `c#34`, `itemId` AS `c#35`, `itemType` AS `c#36`, `itemCount` AS `c#37`, row_number() OVER (ORDER BY `timestamp` ASC) AS `row#38`
      FROM `memline`.`requests`
    )
  )
  GROUP BY `c#6`
)
ORDER BY `row#43` ASC
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
