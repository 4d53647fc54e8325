package dev.llmproxy.app;

import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Service;
import org.apache.camel.StartupListener;
import org.apache.camel.main.HttpManagementServerConfigurationProperties;
import org.apache.camel.main.HttpServerConfigurationProperties;
import org.apache.camel.main.MainHttpServerFactory;
import org.apache.camel.spi.CamelEvent;
import org.apache.camel.support.EventNotifierSupport;
import org.apache.camel.support.service.ServiceSupport;

/**
 * The HTTP server for Camel's own main ({@code camel run}), which finds this class in the registry.
 * Closes the application when the CamelContext has stopped.
 */
public final class CamelHttpServer implements MainHttpServerFactory, CamelContextAware {
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
    Listening listening = new Listening(new HttpListener(application), port(configuration));
    context.getRegistry().bind(listening.http.router().getName(), listening.http.router());
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
      http.refuseWhileStopping(context);
      http.listen(port);
    }

    @Override
    protected void doStop() {
      http.close();
    }
  }
}
