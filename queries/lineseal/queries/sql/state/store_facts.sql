-- name:    store_facts
-- title:   Which store is this?
-- kind:    state
-- params:
-- returns: name VARCHAR    -- schema_version, deployment, keyring_version
--          value VARCHAR
-- reads:   store_fact
-- order:   name
-- since:   0.1
-- why:     Tells deployment, schema and keyring version apart without opening files.
SELECT name, value
FROM store_fact
ORDER BY name
