package dev.llmproxy;

/** Placeholder. */
public final class Settings {
  private Settings() {}
}
