-- People who are signed in to the management pages. All times are in ms since 1970.
create table admin_session (
  -- The sha256 of the token in the person's cookie.
  id varchar(64) not null primary key,
  email varchar(320) not null,
  -- The organisation that owns the account; null for none.
  domain varchar(255),
  -- How the person signed in: google, oidc or link.
  method varchar(16) not null,
  csrf varchar(64) not null,
  created_at bigint not null,
  used_at bigint not null,
  expires_at bigint not null
);

-- Sign-ins that wait for the answer of the OpenID provider.
create table admin_sign_in (
  -- The sha256 of the token in the browser's cookie.
  id varchar(64) not null primary key,
  method varchar(16) not null,
  state varchar(64) not null,
  nonce varchar(64) not null,
  verifier varchar(128) not null,
  expires_at bigint not null
);

-- One-time links that nobody has used yet.
create table admin_link (
  -- The sha256 of the link's token.
  id varchar(64) not null primary key,
  expires_at bigint not null
);

-- What people did on the management pages.
create table admin_action (
  -- Begins with the time, so that the order of ids is the order of time.
  id varchar(32) not null primary key,
  at bigint not null,
  actor varchar(320) not null,
  action varchar(64) not null,
  subject varchar(320) not null,
  -- A JSON object.
  detail text not null,
  -- The client's IP address.
  address varchar(64) not null
);
