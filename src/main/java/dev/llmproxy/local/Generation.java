package dev.llmproxy.local;

import java.util.Iterator;

/**
 * A running answer: an iterator over non-empty pieces of text.
 *
 * <p>{@link #hasNext} and {@link #next} wait for the next piece, also while the request is in the
 * queue. When interrupted, they close the generation and throw {@link
 * java.util.concurrent.CancellationException} with the interrupt flag set. One thread reads; any
 * thread may close. The model does not wait for the reader, so a slow client delays no other
 * request.
 */
public interface Generation extends Iterator<String>, AutoCloseable {
  /** The number of prompt tokens, including the tokens of the chat template. */
  int promptTokens();

  /**
   * The number of tokens generated so far, without the control token at the end. It may include
   * tokens that are not yet read.
   */
  int completionTokens();

  /**
   * {@code stop} (the model or a stop text ended the answer) or {@code length} (the token limit or
   * the end of the context did). Null while the answer is unfinished, and null if it was closed
   * before its end.
   */
  String finishReason();

  /**
   * Cancels the answer: the model stops before its next token and continues with the next request.
   * Does nothing when the answer is complete.
   */
  @Override
  void close();
}
