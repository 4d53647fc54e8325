package dev.llmproxy.admin;

/** What a signed-in person may do on the management pages. */
public enum Role {
  /** May see and manage everything. */
  ADMIN,
  /** May see and manage the own keys and use. */
  USER
}
