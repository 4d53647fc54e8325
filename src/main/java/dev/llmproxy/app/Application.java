package dev.llmproxy.app;

import dev.llmproxy.admin.AdminParts;
import dev.llmproxy.admin.LiveEdits;
import dev.llmproxy.attempt.AttemptPolicy;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.attempt.ProviderKeys;
import dev.llmproxy.base.AllSettings;
import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.cache.ResponseCache;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.call.Requests;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.chat.SealedMemory;
import dev.llmproxy.conversation.ConversationFlush;
import dev.llmproxy.conversation.ConversationLog;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.flush.FlushCommit;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.gate.AllowedUsers;
import dev.llmproxy.gate.Authenticator;
import dev.llmproxy.gate.GoogleIdTokens;
import dev.llmproxy.gate.LimitStore;
import dev.llmproxy.gate.Limits;
import dev.llmproxy.gate.RedisLimits;
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
import dev.llmproxy.keys.SharedRevocations;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageEvents;
import dev.llmproxy.ledger.UsageMeter;
import dev.llmproxy.ledger.UsageStatistics;
import dev.llmproxy.mcp.McpServers;
import dev.llmproxy.monitoring.Metrics;
import dev.llmproxy.monitoring.ServerMetrics;
import dev.llmproxy.monitoring.Telemetry;
import dev.llmproxy.prompt.Prompts;
import dev.llmproxy.provider.ForwardProxy;
import dev.llmproxy.provider.LiveModels;
import dev.llmproxy.provider.ProviderConnections;
import dev.llmproxy.provider.local.LocalChat;
import dev.llmproxy.provider.local.LocalEmbedding;
import dev.llmproxy.redis.Redis;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import io.github.bucket4j.TimeMeter;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns the parts that outlive routes: key directory, limits, ledger, workbook, local models, MCP
 * servers and threads. Routes use them as the beans of beans.camel.yaml, which are created from the
 * bean {@code application}.
 */
public final class Application implements AutoCloseable, Cloneable {
  private static final Logger LOG = LoggerFactory.getLogger(Application.class);
  private static final Duration AGE_WITHOUT_SNAPSHOT = Duration.ofHours(24);
  private static final long LOG_SUMMARY_MILLIS = 60_000;

  /** Changed in copies only. */
  private Configuration configuration;

  private final OpenParts parts;
  private final Clock clock;
  private final Clock steady;
  private final String instance = UUID.randomUUID().toString();
  private final Vertx vertx;
  private final ResponseCache responseCache;
  private final KeyDirectory keyDirectory;
  private final UnknownKeys unknownKeys = new UnknownKeys(TimeMeter.SYSTEM_NANOTIME);
  private final WrongKeys wrongKeys;
  private final ForwardProxy forwardProxy;
  private final McpServers mcpServers;
  private final Tiers tiers;
  private final Redis redis;
  private final LimitStore limitStore;
  private final Limits limits;
  private final GoogleIdTokens googleIdTokens;
  private final AllowedUsers allowedUsers;
  private final AdminParts admin;
  private final Workbook workbook;
  private final WorkbookSchema workbookSchema;
  private final Ledger ledger;
  private final UsageMeter usageMeter;
  private final UsageStatistics usageStatistics;
  private final UsageEvents usageEvents;
  private final FlushCommit flushCommit;
  private final UsageFlush usageFlush;
  private final ConversationLog conversationLog;
  private final ConversationFlush conversationFlush;
  private final LocalChat localChat;
  private final KeepAlive keepAlive;
  private final ModelHealth modelHealth;
  private final Metrics metrics;
  private final LiveRequests live;
  private final ReasoningSeal reasoningSeal;
  private final AnswerMemory answerMemory = AnswerMemory.ofHeap();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private volatile boolean replaced;
  private final ProviderKeys providerKeys;
  private final ProviderConnections providerConnections;
  private final ApiThreads apiThreads;
  private final AtomicReference<LiveEdits> liveEdits = new AtomicReference<>(LiveEdits.NONE);
  private final Map<Object, Object> kept = new ConcurrentHashMap<>();
  private final Instant started;
  private final RequestLog requestLog;
  private final BodyReader bodyReader;
  private final Requests requests;
  private final LocalEmbedding localEmbedding = new LocalEmbedding();

  private Application(
      Settings settings,
      Clock clock,
      Clock steady,
      OpenParts parts,
      Supplier<ProviderCatalogue> catalogue) {
    this.clock = clock;
    this.steady = steady;
    this.parts = parts;
    started = clock.instant();
    providerKeys = new ProviderKeys(steady);
    try {
      AllSettings values = AllSettings.of(settings);
      bodyReader = new BodyReader(values.http());
      responseCache = new ResponseCache(values.cache());
      modelHealth = new ModelHealth(values.routing().breaker(), steady);
      configuration = Configuration.of(settings, catalogue.get(), clock, this::policy);
      metrics = parts.add(new Metrics(modelHealth, new Telemetry(settings)));
      live = new LiveRequests(clock, metrics.requests());
      requestLog = new RequestLog(live);
      requests = new Requests(bodyReader, clock, steady, metrics.traces());
      forwardProxy = new ForwardProxy(settings);
      googleIdTokens = new GoogleIdTokens(values.signIn(), clock);
      allowedUsers = new AllowedUsers(values.signIn());
      wrongKeys = new WrongKeys(values.limits().authFailuresPerMinute(), TimeMeter.SYSTEM_NANOTIME);
      mcpServers = new McpServers(settings);
      makeDataPrivate();
      Connections connections = new Connections(values.http());
      vertx = VirtualThreads.vertx(connections);
      parts.add(() -> vertx.close().toCompletionStage().toCompletableFuture().join());
      providerConnections = parts.add(ProviderConnections.open());
      apiThreads = parts.add(new ApiThreads());
      keepAlive = new KeepAlive(vertx, values.http().keepAlive());
      parts.add(requestLog::summarise);
      vertx.setPeriodic(LOG_SUMMARY_MILLIS, tick -> requestLog.summarise());
      ledger = parts.add(Ledger.open(settings));
      reasoningSeal = openSeal();
      usageStatistics = new UsageStatistics(ledger);
      usageEvents = new UsageEvents(ledger);
      workbook = parts.add(Workbook.open(settings));
      tiers = new Tiers(values.limits(), settings.path("LLMPROXY_DATA"), workbook.spreadsheetId());
      redis =
          values.limits().redisUrl().isPresent()
              ? parts.add(RedisLimits.connect(values.limits(), TimeMeter.SYSTEM_NANOTIME))
              : null;
      limitStore =
          redis == null
              ? LimitStore.inMemory(TimeMeter.SYSTEM_NANOTIME)
              : parts.add(
                  new RedisLimits(redis, values.limits(), TimeMeter.SYSTEM_NANOTIME, ledger));
      limits = new Limits(limitStore, TimeMeter.SYSTEM_NANOTIME, clock, this::spent);
      keyDirectory = openKeyDirectory(clock, steady);
      if (redis != null) {
        RevokedKeys revoked = new RevokedKeys(settings.path("LLMPROXY_DATA"));
        keyDirectory.share(new SharedRevocations(redis, revoked, steady));
      }
      admin =
          new AdminParts(
              settings, values, ledger, workbook, keyDirectory, tiers, limits, clock, steady);
      usageMeter = parts.add(new UsageMeter(ledger, steady));
      FlushBook flushBook = new FlushBook(ledger);
      workbookSchema = new WorkbookSchema(workbook.spreadsheetId(), flushBook, tiers::rows);
      flushCommit = new FlushCommit(workbookSchema, clock);
      usageFlush =
          new UsageFlush(
              ledger, flushBook, workbook, workbookSchema, values.flush(), clock, steady);
      usageFlush.counters().setKeys(keyDirectory, tiers);
      conversationLog = new ConversationLog(ledger, values.conversations(), clock);
      conversationFlush =
          new ConversationFlush(ledger, conversationLog, workbook, workbookSchema, clock, steady);
      parts.add(localEmbedding);
      localChat = parts.add(new LocalChat(values.providers()));
      parts.add(mcpServers).open();
      measure(connections);
    } catch (RuntimeException | Error e) {
      parts.closeAfter(e);
      throw e;
    }
  }

  /**
   * Opens every part. When one cannot be opened, the parts opened before it are closed.
   *
   * @throws RuntimeException with a message for the operator when a part cannot be opened
   */
  public static Application open(Settings settings) {
    return open(settings, Clock.systemUTC(), new SteadyClock());
  }

  /**
   * As {@link #open(Settings)}, with the given clocks.
   *
   * @param clock the time of day, for timestamps and calendars
   * @param steady a monotonic clock, for waits and durations
   */
  public static Application open(Settings settings, Clock clock, Clock steady) {
    return open(settings, clock, steady, new OpenParts());
  }

  static Application open(Settings settings, Clock clock, Clock steady, OpenParts parts) {
    return open(settings, clock, steady, parts, () -> new ProviderCatalogue(settings));
  }

  static Application open(
      Settings settings,
      Clock clock,
      Clock steady,
      OpenParts parts,
      Supplier<ProviderCatalogue> catalogue) {
    return new Application(settings, clock, steady, parts, catalogue);
  }

  public Settings settings() {
    return configuration.settings();
  }

  /** The settings by concern, typed. */
  public AllSettings values() {
    return configuration.values();
  }

  /** The time of day, for timestamps and calendars. */
  public Clock clock() {
    return clock;
  }

  /** A clock that only goes forward, for waits and durations. */
  public Clock steady() {
    return steady;
  }

  /** A random id of this start, which tells this server from others. It is not secret. */
  public String instance() {
    return instance;
  }

  public Vertx vertx() {
    return vertx;
  }

  public ProviderCatalogue providers() {
    return configuration.providers();
  }

  /** The prompts that aliases carry. */
  public Prompts prompts() {
    return configuration.prompts();
  }

  public ResponseCache responseCache() {
    return responseCache;
  }

  /** Seals the reasoning that clients send back. */
  public ReasoningSeal reasoningSeal() {
    return reasoningSeal;
  }

  /** The metrics of this server. */
  public Metrics metrics() {
    return metrics;
  }

  /** The health of the models that were asked. */
  public ModelHealth modelHealth() {
    return modelHealth;
  }

  /** Reads the providers' own lists of models. */
  public LiveModels liveModels() {
    return configuration.liveModels();
  }

  /** Decides which target of a request is asked. */
  public AttemptPolicy attemptPolicy() {
    return configuration.attemptPolicy();
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
    return new Authenticator(keyDirectory, tiers, wrongKeys);
  }

  public SignIn signIn() {
    return new SignIn(googleIdTokens, allowedUsers, keyDirectory, tiers, wrongKeys);
  }

  /** The parts of the management pages. */
  public AdminParts admin() {
    return admin;
  }

  /** The limits of the tiers. */
  public Tiers tiers() {
    return tiers;
  }

  /** Where the use of limits is counted. */
  public LimitStore limitStore() {
    return limitStore;
  }

  /** Counts what callers use against their limits. */
  public Limits limits() {
    return limits;
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

  /** Gives settled requests to routes that deliver them to other systems. */
  public UsageEvents usageEvents() {
    return usageEvents;
  }

  /** Answers questions about recorded usage. */
  public UsageStatistics usageStatistics() {
    return usageStatistics;
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

  /** Tells watchers what happens to requests. */
  public LiveRequests live() {
    return live;
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

  /**
   * A memory in Redis for all servers; null without REDIS_URL and DATABASE_URL, because the servers
   * then have no common secret.
   *
   * @param kind tells it from others
   * @param life time after the last use
   */
  SealedMemory sharedMemory(String kind, Duration life) {
    return redis == null || !ledger.shared() || life.isZero()
        ? null
        : new SealedMemory(redis, reasoningSeal, kind, life);
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

  /** When this server started. */
  public Instant started() {
    return started;
  }

  /** The connections to providers. */
  public ProviderConnections providerConnections() {
    return providerConnections;
  }

  ApiThreads apiThreads() {
    return apiThreads;
  }

  /** The edits of routes, providers and settings while the server runs. */
  public LiveEdits liveEdits() {
    return liveEdits.get();
  }

  /** Sets what {@link #liveEdits} gives. */
  void setLiveEdits(LiveEdits edits) {
    liveEdits.set(edits);
  }

  /**
   * A part that routes need, and that must outlive them, such as a memory of their answers.
   *
   * @param key tells it from others; its class, or a list of its class and what it is made of
   * @param first creates it when the first routes ask for it
   */
  <T> T kept(Object key, Class<T> type, Supplier<T> first) {
    return type.cast(kept.computeIfAbsent(key, unknown -> first.get()));
  }

  Configuration configuration() {
    return configuration;
  }

  /**
   * This application with the settings and providers that the files have now. Both share all other
   * parts, which this one closes.
   *
   * @throws Settings.SettingException when one of them is wrong
   */
  Application reread() {
    try {
      Application next = (Application) clone();
      next.configuration = configuration.reread(clock, this::policy);
      return next;
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException(e);
    }
  }

  private AttemptPolicy policy(AllSettings values) {
    return new AttemptPolicy(
        values.routing(), modelHealth, providerKeys, steady, RandomGenerator.getDefault());
  }

  /**
   * Whether the server is stopping, and is therefore not ready for new requests. It still accepts
   * them for DRAIN_DELAY_SECONDS.
   */
  public boolean isStopping() {
    return stopping.get();
  }

  /**
   * Whether streams that would never end by themselves must end: the server is stopping, or newer
   * routes serve new requests.
   */
  public boolean endsWatching() {
    return replaced || isStopping();
  }

  /** Notes that newer routes serve new requests. */
  void replaced() {
    replaced = true;
  }

  /** Notes that the server is stopping. */
  void beginStop() {
    stopping.set(true);
  }

  /**
   * Closes every part, the last opened first. The routes must have stopped. A second call does
   * nothing.
   */
  @Override
  public void close() {
    parts.close();
  }

  private void measure(Connections connections) {
    metrics.watch(vertx);
    ServerMetrics server = metrics.server(clock);
    server.build();
    server.keys(keyDirectory);
    server.ledger(ledger, usageMeter);
    server.flush(usageFlush);
    server.workbook(workbook.calls());
    server.limits(limits, limitStore);
    server.cache(responseCache);
    server.http(connections, bodyReader.budget(), answerMemory);
  }

  private ReasoningSeal openSeal() {
    Path data = settings().path("LLMPROXY_DATA");
    try {
      return ReasoningSeal.of(data, own -> ledger.agree("reasoning.secret", own));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The secret for reasoning cannot be read or written in the data folder " + data, e);
    }
  }

  private void makeDataPrivate() {
    for (Path exposed : DataFolder.tighten(settings().path("LLMPROXY_DATA"))) {
      LOG.warn("Other accounts of this machine can access {}; see ./llmproxy doctor.", exposed);
    }
  }

  private BigDecimal spent(Caller caller, YearMonth month) {
    return (caller.isPerson()
            ? usageStatistics.spentByPerson(caller.email(), month)
            : usageStatistics.spentByKey(caller.keyHash(), month))
        .cost();
  }

  private KeyDirectory openKeyDirectory(Clock clock, Clock steady) {
    Path data = settings().path("LLMPROXY_DATA");
    Optional<Duration> age = values().keys().snapshot();
    if (age.isEmpty()) {
      KeySnapshot.remove(data);
    }
    return new KeyDirectory(
        clock,
        steady,
        age.orElse(AGE_WITHOUT_SNAPSHOT),
        age.isEmpty() ? null : new KeySnapshot(data, workbook.spreadsheetId()),
        new RevokedKeys(data),
        new KeyConfirmation(data),
        tiers::has);
  }
}
