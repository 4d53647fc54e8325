-- The attempts of the requests whose first attempt did not answer: one row for each target that was asked, in order. A
-- request whose every turn was answered at the first attempt has no rows.
create table attempt (
  request_id varchar(64) not null,
  number integer not null,
  -- The turn of the chat, from 1.
  turn integer not null,
  model varchar(256) not null,
  -- "answered", or the code of the error.
  outcome varchar(64) not null,
  -- The provider's HTTP status; 0 when it sent none.
  status integer not null,
  -- Until the first content of the answer, or until the failure.
  duration_ms bigint not null,
  -- US dollars times 10^12; null when it is unknown.
  cost_picodollars bigint,
  primary key (request_id, number)
);
