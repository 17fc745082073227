SELECT CAST(`n#39` AS Nullable(Int64)) AS `n`, CAST(`c#2` AS String) AS `id`
FROM (
  SELECT `c#2`, toInt64(row_number() OVER (ORDER BY `row#38`) + 0) AS `n#39`, `row#38`
  FROM (
    SELECT `timestamp` AS `c#1`, `id` AS `c#2`, `source` AS `c#3`, `name` AS `c#4`, `url` AS `c#5`, `success` AS `c#6`, `resultCode` AS `c#7`, `duration` AS `c#8`, `performanceBucket` AS `c#9`, nullIf(`customDimensions`, '') AS `c#10`, nullIf(`customMeasurements`, '') AS `c#11`, `operation_Name` AS `c#12`, `operation_Id` AS `c#13`, `operation_ParentId` AS `c#14`, `operation_SyntheticSource` AS `c#15`, `session_Id` AS `c#16`, `user_Id` AS `c#17`, `user_AuthenticatedId` AS `c#18`, `user_AccountId` AS `c#19`, `application_Version` AS `c#20`, `client_Type` AS `c#21`, `client_Model` AS `c#22`, `client_OS` AS `c#23`, `client_IP` AS `c#24`, `client_City` AS `c#25`, `client_StateOrProvince` AS `c#26`, `client_CountryOrRegion` AS `c#27`, `client_Browser` AS `c#28`, `cloud_RoleName` AS `c#29`, `cloud_RoleInstance` AS `c#30`, `appId` AS `c#31`, `appName` AS `c#32`, `iKey` AS `c#33`, `sdkVersion` AS `c#34`, `itemId` AS `c#35`, `itemType` AS `c#36`, `itemCount` AS `c#37`, row_number() OVER (ORDER BY isNull(`duration`) DESC, ifNull(isNaN(`duration`), 0) DESC, `duration` DESC, `id` ASC) AS `row#38`
    FROM `memline`.`requests`
  )
)
ORDER BY `row#38` ASC
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
