-- One row: who this ledger is. Its UUID is the identity of its checkpoint in the workbook, so that a new ledger is never
-- taken for an old one.
create table ledger (
  uuid varchar(36) not null primary key,
  -- When a commit to the workbook was sent whose outcome is not known yet, in ms since 1970; null when none is open.
  commit_sent_at bigint
);

-- One row a request, written before its first byte goes out and completed when it ends.
create table request (
  request_id varchar(64) not null primary key,
  admitted_at bigint not null,
  email varchar(320) not null,
  key_hash varchar(64) not null,
  type varchar(16) not null,
  model varchar(256) not null,
  provider varchar(64) not null,
  -- The order of settlement, from 1; null while the request is under way.
  sequence bigint unique,
  status varchar(16),
  tokens_in bigint not null default 0,
  tokens_out bigint not null default 0,
  -- US dollars times 10^12, so that sums are exact; null when the price is unknown.
  cost_picodollars bigint,
  duration_ms bigint
);

create index request_by_email on request (email, admitted_at);

-- The sheet of each user. Titles cannot be derived back from addresses, and two addresses may want the same one.
create table user_sheet (
  email varchar(320) not null primary key,
  title varchar(100) not null unique
);
