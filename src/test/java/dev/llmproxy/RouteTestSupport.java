package dev.llmproxy;

import dev.llmproxy.app.BeanMethods;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.camel.CamelContext;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultRegistry;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.apache.camel.test.junit5.CamelTestSupport;

/**
 * Loads single files of the folder routes into their own CamelContext, without a server. A test
 * replaces the endpoints around them with {@code mock:} endpoints and {@code AdviceWith}, and binds
 * the beans of the routes in {@code bindToRegistry}.
 */
public abstract class RouteTestSupport extends CamelTestSupport {
  private final List<String> routes;

  /**
   * @param routes ids of the routes to load
   * @param settings settings that override application.properties
   */
  protected RouteTestSupport(List<String> routes, Map<String, String> settings) {
    this.routes = routes;
    Properties properties = new Properties();
    try (Reader shipped = Files.newBufferedReader(Path.of("application.properties"))) {
      properties.load(shipped);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    properties.putAll(settings);
    camelContextConfiguration().withUseOverridePropertiesWithPropertiesComponent(properties);
  }

  /** The context has a registry that {@link BeanMethods} can be added to, as camel-main's. */
  @Override
  protected CamelContext createCamelContext() {
    return new DefaultCamelContext(new DefaultRegistry(List.of()));
  }

  @Override
  protected RoutesBuilder createRouteBuilder() {
    return new RouteBuilder() {
      @Override
      public void configure() throws Exception {
        new BeanMethods().setCamelContext(getContext());
        for (String route : routes) {
          PluginHelper.getRoutesLoader(getContext())
              .loadRoutes(
                  ResourceHelper.resolveResource(
                      getContext(), "file:routes/" + route + ".camel.yaml"));
        }
      }
    };
  }
}
