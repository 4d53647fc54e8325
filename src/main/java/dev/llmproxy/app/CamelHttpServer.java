package dev.llmproxy.app;

import dev.llmproxy.call.CallWatch;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.HttpFront;
import io.vertx.core.http.HttpServerRequest;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Service;
import org.apache.camel.StartupListener;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.main.HttpManagementServerConfigurationProperties;
import org.apache.camel.main.HttpServerConfigurationProperties;
import org.apache.camel.main.MainHttpServerFactory;
import org.apache.camel.spi.CamelEvent;
import org.apache.camel.support.EventNotifierSupport;
import org.apache.camel.support.LifecycleStrategySupport;
import org.apache.camel.support.service.ServiceSupport;

/**
 * The HTTP server for Camel's own main ({@code camel run}), which finds this class in the registry.
 * Closes the application when the CamelContext has stopped.
 */
public final class CamelHttpServer implements MainHttpServerFactory, CamelContextAware {
  private static final int CUT_BEFORE_SECONDS = 4;

  private final Application application;
  private CamelContext context;

  public CamelHttpServer(Application application) {
    this.application = application;
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  /** Called by Camel when it binds this bean. */
  @Override
  public void setCamelContext(CamelContext context) {
    this.context = context;
    context
        .getManagementStrategy()
        .addEventNotifier(
            new EventNotifierSupport() {
              @Override
              public void notify(CamelEvent event) {
                if (event instanceof CamelEvent.CamelContextStoppedEvent) {
                  CamelRun.close();
                }
              }
            });
  }

  @Override
  public Service newHttpServer(
      CamelContext context, HttpServerConfigurationProperties configuration) {
    HttpFront front = HttpListener.front(application);
    VertxPlatformHttpRouter router = HttpListener.router(application, front);
    Listening listening =
        new Listening(
            new HttpListener(application, front, () -> new OneContext(router)),
            port(configuration));
    context.getRegistry().bind(router.getName(), router);
    context.addLifecycleStrategy(stopping(front));
    try {
      context.addStartupListener(listening);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return listening;
  }

  @Override
  public Service newHttpManagementServer(
      CamelContext context, HttpManagementServerConfigurationProperties configuration) {
    throw new UnsupportedOperationException(
        "llmproxy does not run Camel's management server; remove --console and camel.management.*");
  }

  /**
   * Refuses new requests while Camel stops the routes. Requests that do not end in time get an
   * error, early enough to be recorded.
   */
  private LifecycleStrategySupport stopping(HttpFront front) {
    return new LifecycleStrategySupport() {
      @Override
      public void onContextStopping(CamelContext context) {
        application.beginStop();
        front.stop();
        long camels = context.getShutdownStrategy().getTimeout() - CUT_BEFORE_SECONDS;
        long seconds = Math.min(camels, application.values().lifecycle().drain().toSeconds());
        Set<CallWatch> watches = context.getRegistry().findByType(CallWatch.class);
        application
            .vertx()
            .setTimer(
                Math.max(1, TimeUnit.SECONDS.toMillis(seconds)),
                late -> watches.forEach(watch -> watch.cut(OpenAiErrors.stopping())));
      }
    };
  }

  /** The only context that serves requests. Camel counts its requests. */
  private record OneContext(VertxPlatformHttpRouter router) implements HttpListener.Target {
    @Override
    public void handle(HttpServerRequest request) {
      router.handle(request);
    }

    @Override
    public void ended() {
      // Nobody waits for it.
    }
  }

  /** The port of {@code --port}; the setting PORT when the option is not given. */
  private int port(HttpServerConfigurationProperties configuration) {
    int camelsDefault = new HttpServerConfigurationProperties(null).getPort();
    return configuration.getPort() == camelsDefault
        ? application.values().http().port()
        : configuration.getPort();
  }

  /** Listens once the routes have started; Camel stops it when they have ended. */
  private static final class Listening extends ServiceSupport implements StartupListener {
    private final HttpListener http;
    private final int port;

    Listening(HttpListener http, int port) {
      this.http = http;
      this.port = port;
    }

    @Override
    public void onCamelContextStarted(CamelContext context, boolean alreadyStarted) {}

    @Override
    public void onCamelContextFullyStarted(CamelContext context, boolean alreadyStarted) {
      CamelRun.running();
      http.listen(port);
    }

    @Override
    protected void doStop() {
      http.close();
    }
  }
}
