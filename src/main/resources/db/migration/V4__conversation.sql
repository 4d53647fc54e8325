-- One row a request whose conversation is kept.
create table conversation (
  request_id varchar(64) not null primary key,
  -- When the request came in, in ms since 1970.
  created_at bigint not null,
  email varchar(320) not null,
  -- What was asked and what was answered, each a JSON object; the answer is null until there is one.
  body text not null,
  answer text,
  -- Of both, in UTF-8.
  bytes bigint not null,
  to_workbook integer not null,
  -- The order in which those for the workbook go there, from 1; null before it is known.
  sequence bigint unique
);

create index conversation_by_time on conversation (created_at);
create index conversation_waiting on conversation (created_at) where to_workbook = 1 and sequence is null;

-- One row: the sequence given last, the one up to which conversations are known to be in the workbook, and when a commit to the workbook was sent whose outcome is not known yet, in ms since
-- 1970; null when none is open.
create table conversation_flush (
  only_one integer not null primary key,
  last_sequence bigint not null,
  checkpoint bigint not null,
  commit_sent_at bigint
);
insert into conversation_flush (only_one, last_sequence, checkpoint) values (1, 0, 0);

-- Users whose conversations until then are still to be deleted from the workbook.
create table conversation_erasure (
  email varchar(320) not null primary key,
  asked_at bigint not null
);
