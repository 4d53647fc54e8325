-- Sums of settled requests for statistics. Each settled request is added once to every table usage_day, usage_model_day,
-- usage_month and usage_hour, in the order of sequences. A statistic is a sum of these rows and of the requests after the
-- sequence in usage_rollup.
--
-- Counts that may be huge have two columns: the sum of the values divided by 10^9, and the sum of the remainders. So no sum
-- overflows or loses a digit. Costs are in picodollars, US dollars times 10^12.
--
-- The columns within_… count the successful requests by duration in ms: each those above the limit of the column before.

-- One row: the sequence up to which requests are summed.
create table usage_rollup (
  only_one integer not null primary key,
  sequence bigint not null
);
insert into usage_rollup (only_one, sequence) values (1, 0);

-- The owners of requests: a key, or a person without a key.
create table usage_owner (
  id integer not null primary key,
  email varchar(320) not null,
  key_hash varchar(64) not null,
  -- The address in the form in which addresses are compared, and the lowest id of an owner with it.
  person varchar(320) not null,
  person_id integer not null,
  unique (email, key_hash)
);
create index usage_owner_by_person on usage_owner (person);
create index usage_owner_by_key on usage_owner (key_hash);

create table usage_model (
  id integer not null primary key,
  model varchar(256) not null unique
);

-- By UTC day of the admission, in days since 1970. The key begins with the day, so that new rows are near each other and few
-- pages change. The rows of an owner are found day by day.
create table usage_day (
  day integer not null,
  owner integer not null,
  model integer not null,
  type varchar(16) not null,
  status varchar(16) not null,
  requests bigint not null,
  turns bigint not null,
  tool_calls bigint not null,
  tokens_in_high bigint not null,
  tokens_in_low bigint not null,
  tokens_out_high bigint not null,
  tokens_out_low bigint not null,
  cost_high bigint not null,
  cost_low bigint not null,
  -- Requests with tokens whose price is unknown.
  unpriced bigint not null,
  duration_ms bigint not null,
  within_250 bigint not null,
  within_500 bigint not null,
  within_1000 bigint not null,
  within_2000 bigint not null,
  within_4000 bigint not null,
  within_8000 bigint not null,
  within_15000 bigint not null,
  within_30000 bigint not null,
  within_60000 bigint not null,
  within_120000 bigint not null,
  longer bigint not null,
  primary key (day, owner, model, type, status)
);

-- The same without owners, because most owners have few requests of a day and statistics of everything would read them all.
create table usage_model_day (
  day integer not null,
  model integer not null,
  type varchar(16) not null,
  status varchar(16) not null,
  requests bigint not null,
  turns bigint not null,
  tool_calls bigint not null,
  tokens_in_high bigint not null,
  tokens_in_low bigint not null,
  tokens_out_high bigint not null,
  tokens_out_low bigint not null,
  cost_high bigint not null,
  cost_low bigint not null,
  unpriced bigint not null,
  duration_ms bigint not null,
  within_250 bigint not null,
  within_500 bigint not null,
  within_1000 bigint not null,
  within_2000 bigint not null,
  within_4000 bigint not null,
  within_8000 bigint not null,
  within_15000 bigint not null,
  within_30000 bigint not null,
  within_60000 bigint not null,
  within_120000 bigint not null,
  longer bigint not null,
  primary key (day, model, type, status)
);

-- By owner and UTC month of the admission, in months since the year 0, for budgets and for rankings of owners.
create table usage_month (
  month integer not null,
  owner integer not null,
  requests bigint not null,
  turns bigint not null,
  tool_calls bigint not null,
  tokens_in_high bigint not null,
  tokens_in_low bigint not null,
  tokens_out_high bigint not null,
  tokens_out_low bigint not null,
  cost_high bigint not null,
  cost_low bigint not null,
  unpriced bigint not null,
  duration_ms bigint not null,
  -- Requests with the status ERROR or INTERRUPTED.
  failed bigint not null,
  cancelled bigint not null,
  primary key (month, owner)
);

-- By hour of the admission, in hours since 1970.
create table usage_hour (
  hour integer not null,
  status varchar(16) not null,
  requests bigint not null,
  turns bigint not null,
  tool_calls bigint not null,
  tokens_in_high bigint not null,
  tokens_in_low bigint not null,
  tokens_out_high bigint not null,
  tokens_out_low bigint not null,
  cost_high bigint not null,
  cost_low bigint not null,
  unpriced bigint not null,
  duration_ms bigint not null,
  within_250 bigint not null,
  within_500 bigint not null,
  within_1000 bigint not null,
  within_2000 bigint not null,
  within_4000 bigint not null,
  within_8000 bigint not null,
  within_15000 bigint not null,
  within_30000 bigint not null,
  within_60000 bigint not null,
  within_120000 bigint not null,
  longer bigint not null,
  primary key (hour, status)
);
