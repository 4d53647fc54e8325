package dev.llmproxy.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Expression;
import org.apache.camel.Header;
import org.apache.camel.Processor;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.apache.camel.support.DefaultRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class BeanMethodsTest {
  private DefaultCamelContext context;
  private Exchange exchange;

  /** A bean with methods of all kinds. */
  public static final class Sample {
    public String join(
        @Body String body, @Header("count") int count, @ExchangeProperty("name") String name) {
      return body + count + name;
    }

    public void mark(Exchange exchange) {
      exchange.setProperty("marked", true);
    }

    public boolean isMarked(Exchange exchange) {
      return exchange.getProperty("marked", false, Boolean.class);
    }

    public Object nothing() {
      return null;
    }

    public void fail(Exchange exchange) throws IOException {
      if (exchange != null) {
        throw new IOException("broken");
      }
    }

    public void unclear(String text) {}

    public void twice() {}

    public void twice(Exchange exchange) {}
  }

  @BeforeEach
  void start() {
    context = new DefaultCamelContext(new DefaultRegistry(List.of()));
    context.getRegistry().bind("sample", new Sample());
    new BeanMethods().setCamelContext(context);
    exchange = new DefaultExchange(context);
  }

  @AfterEach
  void stop() throws IOException {
    context.close();
  }

  private Processor step(String name) {
    return context.getRegistry().lookupByNameAndType(name, Processor.class);
  }

  private Expression expression(String name) {
    return (Expression) context.getRegistry().lookupByName(name);
  }

  @Test
  void resultOfAStepBecomesTheBody() throws Exception {
    exchange.getMessage().setBody("a");
    exchange.getMessage().setHeader("count", "3");
    exchange.setProperty("name", "b");

    step("sample.join").process(exchange);

    assertThat(exchange.getMessage().getBody()).isEqualTo("a3b");
  }

  @Test
  void voidStepLeavesTheBody() throws Exception {
    exchange.getMessage().setBody("a");

    step("sample.mark").process(exchange);

    assertThat(exchange.getMessage().getBody()).isEqualTo("a");
    assertThat(exchange.getProperty("marked")).isEqualTo(true);
  }

  @Test
  void resultOfAnExpressionIsConverted() {
    assertThat(expression("sample.isMarked").evaluate(exchange, Object.class)).isEqualTo(false);
    assertThat(expression("sample.isMarked").evaluate(exchange, String.class)).isEqualTo("false");
    assertThat(expression("sample.nothing").evaluate(exchange, String.class)).isNull();
  }

  @Test
  void exceptionsOfAMethodArePassedOn() {
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> step("sample.fail").process(exchange))
        .withMessage("broken");
    assertThatExceptionOfType(RuntimeCamelException.class)
        .isThrownBy(() -> expression("sample.fail").evaluate(exchange, Object.class))
        .withCauseInstanceOf(IOException.class);
  }

  @Test
  void namesThatCannotBeCalledAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> step("sample.absent"))
        .withMessage("the bean \"sample\" has no method \"absent\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> step("sample.twice"))
        .withMessage("sample.twice is the name of several methods");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> step("sample.unclear"))
        .withMessageContaining("sample.unclear: its parameter text");
  }

  @Test
  void namesWithoutABeanAreNotFound() {
    assertThat(context.getRegistry().lookupByName("absent.method")).isNull();
    assertThat(context.getRegistry().lookupByName("sample.of.three")).isNull();
  }
}
