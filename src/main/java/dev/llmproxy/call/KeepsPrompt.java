package dev.llmproxy.call;

/** What a format remembers of a request, if it keeps the prompt beyond the answer. */
public interface KeepsPrompt {
  /** Has the prompt forgotten with the answer, because a guard has redacted it. */
  void forgetPrompt();
}
