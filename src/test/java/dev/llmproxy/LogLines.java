package dev.llmproxy;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Property;

/** What this process logs, by whomever, from now until it is closed. */
public final class LogLines extends AbstractAppender implements AutoCloseable {
  private final Logger root = (Logger) LogManager.getRootLogger();
  private final List<String> said = new CopyOnWriteArrayList<>();

  private LogLines() {
    super("lines", null, null, true, Property.EMPTY_ARRAY);
  }

  public static LogLines open() {
    LogLines lines = new LogLines();
    lines.start();
    lines.root.addAppender(lines);
    return lines;
  }

  /** Level and message of each, and its exception when there is one. */
  public List<String> said() {
    return List.copyOf(said);
  }

  @Override
  public void append(LogEvent event) {
    String exception = event.getThrown() == null ? "" : " " + event.getThrown();
    said.add(event.getLevel() + " " + event.getMessage().getFormattedMessage() + exception);
  }

  @Override
  public void close() {
    root.removeAppender(this);
    stop();
  }
}
