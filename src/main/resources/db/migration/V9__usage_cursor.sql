-- How far each consumer of settled requests has come: one row for each route that delivers them, e.g. usage-kafka. All times
-- are by the database's clock, in ms since 1970.
create table usage_cursor (
  -- The route's id.
  name varchar(100) not null primary key,
  -- Records up to this sequence are delivered, or older than the consumer.
  sequence bigint not null,
  -- The server that delivers a batch now, and until when it may; null when none does.
  holder varchar(36),
  held_until bigint,
  -- How often in a row the delivery has failed, with which message, and when it may be tried again.
  failures integer not null,
  problem varchar(1000),
  retry_at bigint not null
);
