package dev.llmproxy;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.Property;

/** Collects all log lines of this process from its opening to its closing. */
public final class LogLines extends AbstractAppender implements AutoCloseable {
  private final Logger logger;
  private final Level level;
  private final List<String> said = new CopyOnWriteArrayList<>();

  private LogLines(Logger logger, Level level) {
    super("lines", null, null, true, Property.EMPTY_ARRAY);
    this.logger = logger;
    this.level = logger.getLevel();
    start();
    logger.addAppender(this);
    Configurator.setLevel(logger, level);
  }

  public static LogLines open() {
    Logger root = (Logger) LogManager.getRootLogger();
    return new LogLines(root, root.getLevel());
  }

  /** Collects the lines of one logger down to a level, regardless of the configuration. */
  public static LogLines of(String logger, Level level) {
    return new LogLines((Logger) LogManager.getLogger(logger), level);
  }

  /** Level and message of each line, and its exception if it has one. */
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
    logger.removeAppender(this);
    Configurator.setLevel(logger, level);
    stop();
  }
}
