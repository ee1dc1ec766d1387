-- name:    positions
-- title:   How far has each stream of the log been read?
-- kind:    state
-- params:
-- returns: stream VARCHAR
--          next_position BIGINT
-- reads:   position
-- order:   stream
-- since:   0.1
-- why:     Positions are written with the rows they cover, so this is what the store holds.
SELECT stream, next_position
FROM position
ORDER BY stream
