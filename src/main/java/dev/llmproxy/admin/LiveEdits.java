package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** The edits of routes, providers and settings while the server runs. */
public interface LiveEdits {
  /** For a server whose routes are not replaced here, such as {@code camel run}. */
  LiveEdits NONE =
      new LiveEdits() {
        @Override
        public ObjectNode reread() {
          throw new IllegalStateException("This server does not replace its routes");
        }

        @Override
        public ObjectNode report() {
          return null;
        }
      };

  /**
   * Reads the files again and, if they are right, has new requests served by them.
   *
   * @return as {@link #report}
   * @throws IllegalStateException when the server is stopping
   */
  ObjectNode reread();

  /**
   * The present generation of routes ({@code number}, {@code since}), and the last reading of the
   * files with its problems; null when routes are not replaced here.
   */
  ObjectNode report();
}
