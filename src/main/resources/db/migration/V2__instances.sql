-- The sequence given last. Counted here, so that its row's lock makes several servers take turns and sequences grow in
-- the order of commits.
alter table ledger add column last_sequence bigint not null default 0;
update ledger set last_sequence = (select coalesce(max(sequence), 0) from request);

-- Keeps servers that start at once from making two ledgers.
alter table ledger add column only_one integer not null default 1;
create unique index ledger_only_one on ledger (only_one);

-- One row a running server.
create table instance (
  id varchar(36) not null primary key,
  -- When it last said that it lives, by the database's clock, in ms since 1970.
  renewed_at bigint not null
);

-- The server that admitted the request. While a request is under way, tokens, cost and duration are those of its last
-- checkpoint, and what is recorded should its server die.
alter table request add column instance varchar(36);
create index request_under_way on request (instance) where sequence is null;
