package dev.llmproxy.app;

import dev.llmproxy.admin.AdminActions;
import dev.llmproxy.admin.AdminGate;
import dev.llmproxy.admin.AdminPages;
import dev.llmproxy.admin.DeadLetterSteps;
import dev.llmproxy.admin.KeyList;
import dev.llmproxy.admin.KeySteps;
import dev.llmproxy.admin.LiveReport;
import dev.llmproxy.admin.Overview;
import dev.llmproxy.admin.Playground;
import dev.llmproxy.admin.ProviderPing;
import dev.llmproxy.admin.ProviderReport;
import dev.llmproxy.admin.ReloadSteps;
import dev.llmproxy.admin.RequestReport;
import dev.llmproxy.admin.RouteMeter;
import dev.llmproxy.admin.RouteReport;
import dev.llmproxy.admin.SessionSteps;
import dev.llmproxy.admin.SignInSteps;
import dev.llmproxy.admin.SyncReport;
import dev.llmproxy.admin.SystemReport;
import dev.llmproxy.admin.UsageReport;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.ToolSettings;
import dev.llmproxy.cache.ResponseCache;
import dev.llmproxy.call.CallWatch;
import dev.llmproxy.call.RequestLog;
import dev.llmproxy.call.Requests;
import dev.llmproxy.callback.WebhookSignature;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.chat.ChatTurns;
import dev.llmproxy.chat.PromptCount;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.chat.ToolOffer;
import dev.llmproxy.conversation.ConversationFlush;
import dev.llmproxy.conversation.ConversationLog;
import dev.llmproxy.doctor.DoctorReport;
import dev.llmproxy.flush.FlushCommit;
import dev.llmproxy.flush.KeyCounters;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.flush.UsageRotation;
import dev.llmproxy.format.openai.ModelList;
import dev.llmproxy.format.responses.ResponseMemory;
import dev.llmproxy.format.responses.ResponseSink;
import dev.llmproxy.format.responses.ResponsesForm;
import dev.llmproxy.gate.Authenticator;
import dev.llmproxy.gate.Limits;
import dev.llmproxy.gate.SignIn;
import dev.llmproxy.gate.UnknownKeys;
import dev.llmproxy.guard.GuardJudge;
import dev.llmproxy.guard.GuardPatterns;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.ledger.RequestSearch;
import dev.llmproxy.ledger.UsageEvents;
import dev.llmproxy.ledger.UsageMeter;
import dev.llmproxy.ledger.UsageRollup;
import dev.llmproxy.mcp.McpServers;
import dev.llmproxy.prompt.Prompts;
import dev.llmproxy.provider.ForwardProxy;
import dev.llmproxy.provider.LiveModels;
import dev.llmproxy.provider.anthropic.AnthropicChat;
import dev.llmproxy.provider.gemini.GeminiChat;
import dev.llmproxy.provider.gemini.GeminiEmbedding;
import dev.llmproxy.provider.local.LocalChat;
import dev.llmproxy.provider.local.LocalEmbedding;
import dev.llmproxy.provider.openai.OpenAiChat;
import dev.llmproxy.provider.openai.OpenAiCompletions;
import dev.llmproxy.provider.openai.OpenAiEmbedding;
import dev.llmproxy.provider.openai.OpenAiResponses;
import dev.llmproxy.routing.ProviderAttempts;
import dev.llmproxy.routing.ProviderProbe;
import dev.llmproxy.tool.DocumentIndex;
import dev.llmproxy.tool.PageFetcher;
import dev.llmproxy.tool.SearchCache;
import dev.llmproxy.tool.TierTools;
import dev.llmproxy.tool.ToolCatalogue;
import dev.llmproxy.tool.ToolRunner;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;

/**
 * The application's parts for beans.camel.yaml, which can only call static methods. The application
 * owns and closes each part unless the method says otherwise.
 */
public final class Parts {
  private Parts() {}

  public static AdminActions adminActions(Application application) {
    return application.admin().actions();
  }

  public static AdminGate adminGate(Application application) {
    return application.admin().gate();
  }

  public static AnswerMemory answerMemory(Application application) {
    return application.answerMemory();
  }

  public static Authenticator authenticator(Application application) {
    return application.authenticator();
  }

  public static WebhookSignature webhookSignature(Application application) {
    return new WebhookSignature(
        application.values().callbacks().webhookSecret(), application.clock());
  }

  public static Prompts prompts(Application application) {
    return application.prompts();
  }

  public static GuardJudge guardJudge(Application application) {
    return new GuardJudge(application.values().guards());
  }

  public static GuardPatterns guardPatterns(Application application) {
    return GuardPatterns.read(application.values().guards().patterns());
  }

  public static ConversationFlush conversationFlush(Application application) {
    return application.conversationFlush();
  }

  public static ConversationLog conversationLog(Application application) {
    return application.conversationLog();
  }

  public static ModelHealth modelHealth(Application application) {
    return application.modelHealth();
  }

  public static LiveModels liveModels(Application application) {
    return application.liveModels();
  }

  public static ProviderAttempts providerAttempts(Application application) {
    return new ProviderAttempts(
        application.attemptPolicy(),
        application.modelHealth(),
        application.live(),
        application.values().routing(),
        Thread::sleep,
        application.keepAlive()::await);
  }

  /** Created for the routes' tools. */
  public static ChatTurns chatTurns(Application application, ToolRunner tools, ToolMemory memory) {
    return new ChatTurns(tools, memory, application.live(), application.values().tools());
  }

  /** Created for a catalogue of tools of the routes. */
  public static ToolRunner toolRunner(Application application, ToolCatalogue catalogue) {
    ToolSettings settings = application.values().tools();
    return new ToolRunner(catalogue, settings.timeout(), settings.resultCharacters());
  }

  public static PageFetcher pageFetcher(Application application) {
    return new PageFetcher(application.values().tools().fetchPorts());
  }

  public static OpenAiChat openAiChat(Application application) {
    return new OpenAiChat(application.values().providers().answerBytes());
  }

  /** Created for a memory of the routes. */
  public static AnthropicChat anthropicChat(Application application, ToolMemory memory) {
    return new AnthropicChat(application.values().providers().answerBytes(), memory);
  }

  /** Created for a memory and a fetcher of the routes. */
  public static GeminiChat geminiChat(
      Application application, ToolMemory memory, PageFetcher pages) {
    return new GeminiChat(application.values().providers().answerBytes(), memory, pages);
  }

  public static GeminiEmbedding geminiEmbedding(Application application) {
    return new GeminiEmbedding(application.values().providers().answerBytes());
  }

  public static OpenAiCompletions openAiCompletions(Application application) {
    return new OpenAiCompletions(application.values().providers().answerBytes());
  }

  public static OpenAiResponses openAiResponses(Application application) {
    return new OpenAiResponses(application.values().providers().answerBytes());
  }

  public static OpenAiEmbedding openAiEmbedding(Application application) {
    return new OpenAiEmbedding(application.values().providers().answerBytes());
  }

  /**
   * An index of the folder that the setting names; a relative path starts at the home folder. It
   * outlives the routes that use it.
   */
  public static DocumentIndex documentIndex(Application application) {
    Path folder = DocumentIndex.folder(application.settings()).orElse(null);
    return application.kept(
        List.of(DocumentIndex.class, Optional.ofNullable(folder)),
        DocumentIndex.class,
        () -> new DocumentIndex(folder));
  }

  /** Created for the requests of a CamelContext. */
  public static CallWatch callWatch(Application application) {
    return new CallWatch(application.live());
  }

  public static Requests requests(Application application) {
    return application.requests();
  }

  public static RequestLog requestLog(Application application) {
    return application.requestLog();
  }

  public static KeyDirectory keyDirectory(Application application) {
    return application.keyDirectory();
  }

  public static KeyCounters keyCounters(Application application) {
    return application.usageFlush().counters();
  }

  /** Created for the route that sums usage. */
  public static UsageRollup usageRollup(Application application) {
    return new UsageRollup(application.ledger());
  }

  /** Created for the routes that deliver settled requests to other systems. */
  public static UsageEvents usageEvents(Application application) {
    return application.usageEvents();
  }

  /** Created for the routes of the management pages. */
  public static UsageReport usageReport(Application application) {
    return new UsageReport(
        application.usageStatistics(),
        application.keyDirectory(),
        application.tiers(),
        application.clock());
  }

  /** Created for the routes of the management pages. */
  public static RequestReport requestReport(Application application) {
    return new RequestReport(
        new RequestSearch(application.ledger()),
        application.usageMeter(),
        application.conversationLog(),
        application.keyDirectory(),
        application.admin().actions(),
        application.clock());
  }

  /** Created for the routes of the management pages. */
  public static LiveReport liveReport(Application application, RequestReport requests) {
    return new LiveReport(
        application.live(),
        application.usageMeter(),
        new RequestSearch(application.ledger()),
        requests,
        application.admin().gate(),
        application.keepAlive(),
        application.steady(),
        application::endsWatching);
  }

  /** Created for the routes of the management pages. */
  public static Overview overview(Application application) {
    return new Overview(
        application.usageStatistics(),
        application.modelHealth(),
        application.keyDirectory(),
        application.tiers(),
        application.usageFlush(),
        application.usageEvents(),
        application.clock());
  }

  /** Created for the routes of the management pages. */
  public static ProviderReport providerReport(Application application) {
    return new ProviderReport(
        application.providers(),
        application.modelHealth(),
        application.liveModels(),
        application.values().routing(),
        application.clock());
  }

  /** Created for the routes of the management pages. */
  public static ProviderPing providerPing(Application application) {
    return new ProviderPing(
        application.providers(),
        application.modelHealth(),
        application.admin().actions(),
        application.answerMemory());
  }

  /** Created for the routes of the management pages. */
  public static ProviderProbe providerProbe(Application application) {
    return new ProviderProbe(application.values().routing().firstToken());
  }

  /** Created for the models and tools of the routes. */
  public static Playground playground(
      Application application, ModelList models, ToolCatalogue tools) {
    return new Playground(application.keyDirectory(), application.tiers(), models, tools);
  }

  /** Outlives the routes that use it. */
  public static ToolMemory toolMemory(Application application) {
    return application.kept(
        ToolMemory.class,
        ToolMemory.class,
        () -> new ToolMemory(application.sharedMemory("tools", ToolMemory.LIFE)));
  }

  /** Outlives the routes that use it. */
  public static SearchCache searchCache(Application application) {
    return application.kept(SearchCache.class, SearchCache.class, SearchCache::new);
  }

  /** Created for the routes of the management pages. */
  public static ReloadSteps reloadSteps(Application application) {
    return new ReloadSteps(application.liveEdits(), application.admin().actions());
  }

  public static UsageRotation usageRotation(Application application) {
    return application.usageFlush().rotation();
  }

  public static ForwardProxy forwardProxy(Application application) {
    return application.forwardProxy();
  }

  public static KeepAlive keepAlive(Application application) {
    return application.keepAlive();
  }

  /** Created for the routes; the local model counts its own prompts. */
  public static PromptCount promptCount(Application application) {
    return new PromptCount(application.providers(), application.localChat()::count);
  }

  public static LocalChat localChat(Application application) {
    return application.localChat();
  }

  public static LocalEmbedding localEmbedding(Application application) {
    return application.localEmbedding();
  }

  public static McpServers mcpServers(Application application) {
    return application.mcpServers();
  }

  public static HttpClientConnectionManager providerConnections(Application application) {
    return application.providerConnections().shared();
  }

  public static ProviderCatalogue providers(Application application) {
    return application.providers();
  }

  public static ReasoningSeal reasoningSeal(Application application) {
    return application.reasoningSeal();
  }

  public static ResponseCache responseCache(Application application) {
    return application.responseCache();
  }

  /** Outlives the routes that use it. */
  public static ResponseMemory responseMemory(Application application) {
    Duration life = application.values().responses().keep();
    return application.kept(
        ResponseMemory.class,
        ResponseMemory.class,
        () -> new ResponseMemory(life, application.sharedMemory("response", life)));
  }

  /** Created for a catalogue of tools and a memory of the routes. */
  public static ResponsesForm responsesForm(
      Application application, ToolCatalogue catalogue, ResponseMemory memory) {
    return new ResponsesForm(
        application.providers(),
        catalogue,
        memory,
        application.reasoningSeal(),
        application.values().http().maxBodyBytes());
  }

  /** Created for a memory of the routes. */
  public static ResponseSink responseSink(Application application, ResponseMemory memory) {
    return new ResponseSink(
        application.keepAlive(), memory, application.reasoningSeal(), application.clock());
  }

  public static Limits limits(Application application) {
    return application.limits();
  }

  public static Tiers tiers(Application application) {
    return application.tiers();
  }

  public static SessionSteps sessionSteps(Application application) {
    return application.admin().session();
  }

  public static AdminPages adminPages(Application application) {
    return application.admin().pages();
  }

  public static KeyList keyList(Application application) {
    return application.admin().keyList();
  }

  public static KeySteps keySteps(Application application) {
    return application.admin().keySteps();
  }

  /** Created for the routes of the management pages. */
  public static SystemReport systemReport(Application application) {
    return new SystemReport(
        application.settings(),
        application.keyDirectory(),
        application.tiers(),
        application.ledger(),
        new SyncReport(
            application.workbook(),
            application.keyDirectory(),
            application.usageFlush(),
            application.conversationFlush()),
        application.liveEdits(),
        application.started(),
        application.clock());
  }

  /** Created for a CamelContext, whose routes it measures. */
  public static RouteMeter routeMeter(Application application) {
    return new RouteMeter(application.clock());
  }

  /** Created for a CamelContext, whose routes it reports. */
  public static RouteReport routeReport(Application application, RouteMeter meter) {
    return new RouteReport(meter, application.admin().actions());
  }

  /** Created for the routes of the management pages. */
  public static DoctorReport doctorReport(Application application) {
    return new DoctorReport(application.settings(), application.workbook(), application.clock());
  }

  /** Created for the routes of the management pages. */
  public static DeadLetterSteps deadLetterSteps(Application application) {
    return new DeadLetterSteps(application.usageFlush(), application.admin().actions());
  }

  public static SignInSteps signInSteps(Application application) {
    return application.admin().signIn();
  }

  public static SignIn signIn(Application application) {
    return application.signIn();
  }

  public static UnknownKeys unknownKeys(Application application) {
    return application.unknownKeys();
  }

  public static FlushCommit flushCommit(Application application) {
    return application.flushCommit();
  }

  public static UsageFlush usageFlush(Application application) {
    return application.usageFlush();
  }

  public static UsageMeter usageMeter(Application application) {
    return application.usageMeter();
  }

  public static Workbook workbook(Application application) {
    return application.workbook();
  }

  public static WorkbookSchema workbookSchema(Application application) {
    return application.workbookSchema();
  }

  /** Created for a catalogue of tools of the routes. */
  public static ToolOffer toolOffer(Application application, ToolCatalogue catalogue) {
    return new ToolOffer(catalogue, new TierTools(application.settings()));
  }
}
