package dev.llmproxy.call;

import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/**
 * The trace that a request belongs to (W3C Trace Context). Providers get its headers; nothing else
 * that a client sends to trace its requests is passed on to them, no baggage.
 */
public interface RequestTrace {
  /** A request without a trace. */
  RequestTrace NONE = setter -> {};

  String TRACEPARENT = "traceparent";
  String TRACESTATE = "tracestate";

  /** Gives the headers for the provider that is asked now, by name and value. */
  void headers(BiConsumer<String, String> setter);

  /** The id of the trace, 32 hexadecimal digits; null for none. */
  default String id() {
    return null;
  }

  /** Begins the trace of a request. */
  interface Source {
    /** Passes on what the client has sent, if it is valid. */
    Source PASSING_ON =
        (traceparent, tracestate) ->
            traceparent == null ? NONE : Passed.of(traceparent, tracestate);

    /**
     * The trace of a request.
     *
     * @param traceparent the client's header; null when there is none
     * @param tracestate the client's header; null when there is none
     */
    RequestTrace of(String traceparent, String tracestate);
  }

  /** A trace of the client in which this server takes no part. */
  record Passed(String traceparent, String tracestate) implements RequestTrace {
    private static final Pattern PARENT =
        Pattern.compile(
            "(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}");
    private static final int ID = 3;
    private static final int ID_LENGTH = 32;
    private static final Pattern STATE = Pattern.compile("[ -~]{1,512}");

    static RequestTrace of(String traceparent, String tracestate) {
      if (!PARENT.matcher(traceparent).matches()) {
        return NONE;
      }
      boolean state = tracestate != null && STATE.matcher(tracestate).matches();
      return new Passed(traceparent, state ? tracestate : null);
    }

    @Override
    public String id() {
      return traceparent.substring(ID, ID + ID_LENGTH);
    }

    @Override
    public void headers(BiConsumer<String, String> setter) {
      setter.accept(TRACEPARENT, traceparent);
      if (tracestate != null) {
        setter.accept(TRACESTATE, tracestate);
      }
    }
  }
}
