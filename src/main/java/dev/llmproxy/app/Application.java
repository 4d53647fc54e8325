package dev.llmproxy.app;

import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.call.CallWatch;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.call.Requests;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.conversation.ConversationFlush;
import dev.llmproxy.conversation.ConversationLog;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.flush.FlushCommit;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.gate.AllowedUsers;
import dev.llmproxy.gate.Authenticator;
import dev.llmproxy.gate.GoogleIdTokens;
import dev.llmproxy.gate.RateLimit;
import dev.llmproxy.gate.SignIn;
import dev.llmproxy.gate.UnknownKeys;
import dev.llmproxy.gate.WrongKeys;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.http.BodyReader;
import dev.llmproxy.http.Connections;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.keys.KeyConfirmation;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeySnapshot;
import dev.llmproxy.keys.RevokedKeys;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageMeter;
import dev.llmproxy.mcp.McpServers;
import dev.llmproxy.provider.ForwardProxy;
import dev.llmproxy.provider.local.LocalChat;
import dev.llmproxy.provider.local.LocalEmbedding;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import io.github.bucket4j.TimeMeter;
import io.vertx.core.Vertx;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What outlives routes: the key directory, the limits, the ledger, the workbook, the local models,
 * the MCP servers, the threads. One a process; the routes reach its parts by the names that
 * beans.camel.yaml gives them, however they are run.
 */
public final class Application implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Application.class);
  private static final int HOURS_WITHOUT_SNAPSHOT = 24;
  private static final long LOG_SUMMARY_MILLIS = 60_000;

  private static Application current;

  private final Settings settings;
  private final String instance = UUID.randomUUID().toString();
  private final Vertx vertx;
  private final ProviderCatalogue providers;
  private final KeyDirectory keyDirectory;
  private final UnknownKeys unknownKeys = new UnknownKeys(TimeMeter.SYSTEM_NANOTIME);
  private final WrongKeys wrongKeys;
  private final ForwardProxy forwardProxy;
  private final McpServers mcpServers;
  private final RateLimit rateLimit;
  private final GoogleIdTokens googleIdTokens;
  private final AllowedUsers allowedUsers;
  private final Workbook workbook;
  private final WorkbookSchema workbookSchema;
  private final Ledger ledger;
  private final UsageMeter usageMeter;
  private final FlushCommit flushCommit;
  private final UsageFlush usageFlush;
  private final ConversationLog conversationLog;
  private final ConversationFlush conversationFlush;
  private final LocalChat localChat;
  private final KeepAlive keepAlive;
  private final CallWatch callWatch = new CallWatch();
  private final AnswerMemory answerMemory = AnswerMemory.ofHeap();
  private final RequestLog requestLog = new RequestLog();
  private final BodyReader bodyReader;
  private final Requests requests;
  private final LocalEmbedding localEmbedding = new LocalEmbedding();

  private Application(Settings settings, Clock clock, Clock steady) {
    this.settings = settings;
    bodyReader = new BodyReader(settings);
    requests = new Requests(bodyReader, clock, steady);
    providers = new ProviderCatalogue(settings);
    forwardProxy = new ForwardProxy(settings);
    mcpServers = new McpServers(settings);
    rateLimit = new RateLimit(settings, TimeMeter.SYSTEM_NANOTIME);
    googleIdTokens = new GoogleIdTokens(settings, clock);
    allowedUsers = new AllowedUsers(settings);
    wrongKeys =
        new WrongKeys(settings.integer("AUTH_FAILURES_PER_MINUTE"), TimeMeter.SYSTEM_NANOTIME);
    closeDataToOthers();
    ledger = Ledger.open(settings);
    workbook = openWorkbook();
    keyDirectory = openKeyDirectory(clock, steady);
    usageMeter = new UsageMeter(ledger, steady);
    FlushBook flushBook = new FlushBook(ledger);
    workbookSchema = new WorkbookSchema(workbook.spreadsheetId(), flushBook);
    flushCommit = new FlushCommit(workbookSchema, clock);
    usageFlush =
        new UsageFlush(ledger, flushBook, workbook, workbookSchema, settings, clock, steady);
    usageFlush.counters().judgedBy(keyDirectory);
    conversationLog = new ConversationLog(ledger, settings, clock);
    conversationFlush =
        new ConversationFlush(ledger, conversationLog, workbook, workbookSchema, clock, steady);
    localChat = new LocalChat(settings);
    vertx = VirtualThreads.vertx(new Connections(settings));
    keepAlive =
        new KeepAlive(vertx, Duration.ofSeconds(settings.integer("STREAM_KEEPALIVE_SECONDS")));
    vertx.setPeriodic(LOG_SUMMARY_MILLIS, tick -> requestLog.summarise());
    mcpServers.open();
  }

  /**
   * Opens everything, and makes it what {@link #current} gives.
   *
   * @throws RuntimeException with a message for the operator when a part cannot be opened
   */
  public static synchronized Application open(Settings settings) {
    return open(settings, Clock.systemUTC(), new SteadyClock());
  }

  /**
   * As {@link #open(Settings)}, with clocks of one's own.
   *
   * @param clock what people and calendars go by
   * @param steady what waits and durations go by: it only goes forward
   */
  public static synchronized Application open(Settings settings, Clock clock, Clock steady) {
    current = new Application(settings, clock, steady);
    return current;
  }

  /**
   * The application opened last; opened now, from the default home, when there is none: the routes
   * run under Camel's own main, and {@link CamelHttpServer} closes it.
   */
  public static synchronized Application current() {
    if (current == null) {
      Settings settings = Settings.load(Settings.defaultHome());
      settings.checkForCamelsMain();
      open(settings);
    }
    return current;
  }

  public Settings settings() {
    return settings;
  }

  /** Made up anew by each start; tells this server from others, and is nothing secret. */
  public String instance() {
    return instance;
  }

  public Vertx vertx() {
    return vertx;
  }

  public ProviderCatalogue providers() {
    return providers;
  }

  public KeyDirectory keyDirectory() {
    return keyDirectory;
  }

  public ForwardProxy forwardProxy() {
    return forwardProxy;
  }

  public McpServers mcpServers() {
    return mcpServers;
  }

  public UnknownKeys unknownKeys() {
    return unknownKeys;
  }

  public Authenticator authenticator() {
    return new Authenticator(keyDirectory, wrongKeys);
  }

  public SignIn signIn() {
    return new SignIn(googleIdTokens, allowedUsers, keyDirectory, wrongKeys);
  }

  public RateLimit rateLimit() {
    return rateLimit;
  }

  public Workbook workbook() {
    return workbook;
  }

  public WorkbookSchema workbookSchema() {
    return workbookSchema;
  }

  public Ledger ledger() {
    return ledger;
  }

  public UsageMeter usageMeter() {
    return usageMeter;
  }

  public FlushCommit flushCommit() {
    return flushCommit;
  }

  public UsageFlush usageFlush() {
    return usageFlush;
  }

  public ConversationLog conversationLog() {
    return conversationLog;
  }

  public ConversationFlush conversationFlush() {
    return conversationFlush;
  }

  public CallWatch callWatch() {
    return callWatch;
  }

  public BodyReader bodyReader() {
    return bodyReader;
  }

  public Requests requests() {
    return requests;
  }

  public RequestLog requestLog() {
    return requestLog;
  }

  public AnswerMemory answerMemory() {
    return answerMemory;
  }

  public KeepAlive keepAlive() {
    return keepAlive;
  }

  public LocalChat localChat() {
    return localChat;
  }

  public LocalEmbedding localEmbedding() {
    return localEmbedding;
  }

  /** Lets go of everything; the routes must have stopped. */
  @Override
  public void close() {
    mcpServers.close();
    localChat.close();
    localEmbedding.close();
    usageMeter.close();
    ledger.close();
    workbook.close();
    requestLog.summarise();
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  private void closeDataToOthers() {
    for (Path exposed : DataFolder.tighten(settings.path("LLMPROXY_DATA"))) {
      LOG.warn("Other accounts of this machine can get at {}; see ./llmproxy doctor.", exposed);
    }
  }

  private KeyDirectory openKeyDirectory(Clock clock, Clock steady) {
    Path data = settings.path("LLMPROXY_DATA");
    int hours = settings.integer("KEYS_SNAPSHOT_HOURS");
    if (hours == 0) {
      KeySnapshot.remove(data);
    }
    return new KeyDirectory(
        clock,
        steady,
        Duration.ofHours(hours == 0 ? HOURS_WITHOUT_SNAPSHOT : hours),
        hours == 0 ? null : new KeySnapshot(data, workbook.spreadsheetId()),
        new RevokedKeys(data),
        new KeyConfirmation(data),
        rateLimit::hasLimit);
  }

  private Workbook openWorkbook() {
    try {
      return Workbook.open(settings);
    } catch (RuntimeException e) {
      ledger.close();
      throw e;
    }
  }
}
