-- One row: how far the flush to the workbook is known to have come.
create table flush_state (
  id integer not null primary key,
  -- The spreadsheet that receives rows; null until the first round has found it out. Since when, in ms since 1970.
  spreadsheet varchar(128),
  since bigint,
  -- The sequence up to which records are in the workbook, and the retry number up to which retried ones are.
  checkpoint bigint not null,
  retries bigint not null,
  -- The retry number given last; numbers are never given twice.
  retry_numbers bigint not null,
  -- Why a new spreadsheet is being started, or null; and which, once that is known.
  rotation_reason varchar(200),
  next_spreadsheet varchar(128)
);

insert into flush_state (id, checkpoint, retries, retry_numbers) values (1, 0, 0, 0);

-- What the sheet "User API Keys" shows for a key: what stood there when the key was first seen, and what has been
-- written to the workbook since. The base is null until the key's row has been seen.
create table key_counter (
  key_hash varchar(64) not null primary key,
  base_requests bigint,
  base_tokens bigint,
  requests bigint not null,
  tokens bigint not null,
  last_used bigint
);

-- How many records of a user and UTC day (days since 1970) are at or below the checkpoint.
create table flush_day (
  email varchar(320) not null,
  day bigint not null,
  records bigint not null,
  primary key (email, day)
);

-- Which sheet of a spreadsheet is ours under a title, whatever people call it by now.
create table flush_sheet (
  spreadsheet varchar(128) not null,
  title varchar(100) not null,
  sheet_id integer not null,
  primary key (spreadsheet, title),
  unique (spreadsheet, sheet_id)
);

-- Records that the workbook refuses. One with a retry number above flush_state.retries is about to be tried again; one with
-- a retry number at or below it has been written.
create table dead_letter (
  request_id varchar(64) not null primary key,
  sequence bigint not null,
  error varchar(1000) not null,
  parked_at bigint not null,
  retry_number bigint unique
);
