package dev.llmproxy.callback;

import org.apache.camel.AggregationStrategy;
import org.apache.camel.Exchange;

/**
 * Joins the bodies that are not empty to the lines of one alert. After twenty lines it only counts,
 * so that an outage gives one message that people can read.
 */
public final class AlertLines implements AggregationStrategy {
  private static final String LINES = "alertLines";
  private static final int MOST = 20;

  @Override
  public Exchange aggregate(Exchange earlier, Exchange next) {
    String line = next.getMessage().getBody(String.class);
    boolean empty = line == null || line.isEmpty();
    if (earlier == null) {
      next.getMessage().setBody(empty ? "" : line);
      next.setProperty(LINES, empty ? 0 : 1);
      return next;
    }
    if (!empty) {
      int lines = earlier.getProperty(LINES, 0, Integer.class) + 1;
      earlier.setProperty(LINES, lines);
      String before = earlier.getMessage().getBody(String.class);
      if (lines == 1) {
        earlier.getMessage().setBody(line);
      } else if (lines <= MOST) {
        earlier.getMessage().setBody(before + "\n" + line);
      }
    }
    return earlier;
  }

  @Override
  public void onCompletion(Exchange exchange) {
    int lines = exchange == null ? 0 : exchange.getProperty(LINES, 0, Integer.class);
    if (lines > MOST) {
      exchange
          .getMessage()
          .setBody("%s\n… and %d more".formatted(exchange.getMessage().getBody(), lines - MOST));
    }
  }
}
