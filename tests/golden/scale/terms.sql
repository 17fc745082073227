WITH '...' AS `letters#`
SELECT CAST(`agg0#1` AS Nullable(Int64)) AS `Count`
FROM (
  SELECT toInt64(count()) AS `agg0#1`
  FROM `memline`.`traces`
  WHERE (((positionCaseInsensitive(`message`, 'it\'s') > 0 AND match(`message`, concat('(?:^|[^', `letters#`, '])[Ii][Tt][\\x{27}][Ss](?:$|[^', `letters#`, '])'))) OR (positionCaseInsensitive(`message`, 'a`b') > 0 AND match(`message`, concat('(?:^|[^', `letters#`, '])[Aa][\\x{60}][Bb]')))) OR (position(`message`, '\\') > 0))
)
SETTINGS join_use_nulls = 0, distributed_product_mode = 'global', precise_float_parsing = 1, transform_null_in = 0
