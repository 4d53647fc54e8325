package dev.llmproxy.app;

import java.lang.annotation.Annotation;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Expression;
import org.apache.camel.Header;
import org.apache.camel.Processor;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.spi.BeanRepository;
import org.apache.camel.spi.Registry;
import org.apache.camel.support.DefaultRegistry;

/**
 * Makes the methods of beans usable by name in routes: {@code process: {ref: requests.open}} for a
 * step, {@code ref: chatCalls.hasNext} for a predicate or an expression. The routes of requests use
 * these names in place of {@code bean} steps and {@code method} expressions, which look up the bean
 * and bind the parameters by reflection for each request, and {@code method} also copies the
 * exchange.
 *
 * <p>A method may take the exchange, and parameters with {@link Body}, {@link ExchangeProperty} and
 * {@link Header}. A step sets the body to the method's result unless it returns void.
 */
public final class BeanMethods implements BeanRepository, CamelContextAware {
  private CamelContext context;

  @Override
  public void setCamelContext(CamelContext camelContext) {
    context = camelContext;
    context.getRegistry(DefaultRegistry.class).addBeanRepository(this);
  }

  @Override
  public CamelContext getCamelContext() {
    return context;
  }

  /**
   * The step and expression of a name {@code bean.method}; null for any other name.
   *
   * @throws IllegalArgumentException when the bean has no such method, or several, or one with
   *     other parameters
   */
  @Override
  public Object lookupByName(String name) {
    int dot = name.indexOf('.');
    if (dot <= 0 || name.indexOf('.', dot + 1) >= 0) {
      return null;
    }
    Registry registry = context.getRegistry();
    Object bean = registry.lookupByName(name.substring(0, dot));
    return bean == null ? null : new BeanMethod(name, bean, method(name, bean));
  }

  @Override
  public <T> T lookupByNameAndType(String name, Class<T> type) {
    Object found = type.isAssignableFrom(BeanMethod.class) ? lookupByName(name) : null;
    return type.cast(found);
  }

  @Override
  public <T> Map<String, T> findByTypeWithName(Class<T> type) {
    return Map.of();
  }

  @Override
  public <T> Set<T> findByType(Class<T> type) {
    return Set.of();
  }

  private static Method method(String name, Object bean) {
    String wanted = name.substring(name.indexOf('.') + 1);
    List<Method> found =
        Arrays.stream(bean.getClass().getMethods())
            .filter(method -> method.getName().equals(wanted) && !method.isBridge())
            .toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          "the bean \"%s\" has no method \"%s\""
              .formatted(name.substring(0, name.indexOf('.')), wanted));
    }
    if (found.size() > 1) {
      throw new IllegalArgumentException(name + " is the name of several methods");
    }
    return found.getFirst();
  }

  /** One value that a method takes from the exchange. */
  private interface Argument {
    Object of(Exchange exchange);
  }

  private static final class BeanMethod implements Processor, Expression {
    private final String name;
    private final MethodHandle handle;
    private final Argument[] arguments;
    private final boolean returnsBody;

    BeanMethod(String name, Object bean, Method method) {
      this.name = name;
      arguments =
          Arrays.stream(method.getParameters())
              .map(parameter -> argument(name, parameter))
              .toArray(Argument[]::new);
      returnsBody = method.getReturnType() != void.class;
      try {
        MethodHandle bound = MethodHandles.publicLookup().unreflect(method).bindTo(bean);
        handle =
            bound
                .asSpreader(Object[].class, arguments.length)
                .asType(MethodType.methodType(Object.class, Object[].class));
      } catch (IllegalAccessException e) {
        throw new IllegalArgumentException("The step " + name + ": its class is not public", e);
      }
    }

    private static Argument argument(String name, Parameter parameter) {
      Class<?> type = MethodType.methodType(parameter.getType()).wrap().returnType();
      if (type == Exchange.class) {
        return exchange -> exchange;
      }
      for (Annotation annotation : parameter.getAnnotations()) {
        switch (annotation) {
          case Body body -> {
            return exchange -> exchange.getMessage().getBody(type);
          }
          case ExchangeProperty property -> {
            String key = property.value();
            return exchange -> exchange.getProperty(key, type);
          }
          case Header header -> {
            String key = header.value();
            return exchange -> exchange.getMessage().getHeader(key, type);
          }
          default -> {}
        }
      }
      throw new IllegalArgumentException(
          "The step %s: its parameter %s is neither the exchange nor annotated with Body, ExchangeProperty or Header"
              .formatted(name, parameter.getName()));
    }

    @Override
    public void process(Exchange exchange) throws Exception {
      Object result = call(exchange);
      if (returnsBody) {
        exchange.getMessage().setBody(result);
      }
    }

    @Override
    public <T> T evaluate(Exchange exchange, Class<T> type) {
      Object result;
      try {
        result = call(exchange);
      } catch (Exception e) {
        throw RuntimeCamelException.wrapRuntimeCamelException(e);
      }
      return type.isInstance(result)
          ? type.cast(result)
          : exchange.getContext().getTypeConverter().convertTo(type, exchange, result);
    }

    private Object call(Exchange exchange) throws Exception {
      Object[] values = new Object[arguments.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = arguments[i].of(exchange);
      }
      try {
        return handle.invokeExact(values);
      } catch (Exception | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public String toString() {
      return name;
    }
  }
}
