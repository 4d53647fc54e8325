package dev.llmproxy.local;

import java.util.Iterator;

/**
 * One answer, as it is written: an iterator over pieces of text, none of them empty.
 *
 * <p>{@link #hasNext} and {@link #next} wait for the next piece, be it in the queue or in the
 * model; interrupted, they close the generation and throw {@link
 * java.util.concurrent.CancellationException} with the interrupt flag set. One thread reads; any
 * thread may close. The model does not wait for the reader: a slow client holds nobody up.
 */
public interface Generation extends Iterator<String>, AutoCloseable {
  /** Tokens of the prompt as the model sees it, with those of the chat template. */
  int promptTokens();

  /**
   * Tokens generated so far, without the control token that ends an answer. It may run ahead of the
   * pieces read so far.
   */
  int completionTokens();

  /**
   * {@code stop} (the model or a stop text ended the answer) or {@code length} (the token limit or
   * the end of the context did); null while the answer is unfinished and for good when it was
   * closed before.
   */
  String finishReason();

  /**
   * Ends the answer, wherever it is: the model stops before its next token and turns to the next in
   * the queue. Does nothing when the answer is complete.
   */
  @Override
  void close();
}
