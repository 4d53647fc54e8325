package dev.llmproxy.tool;

import static com.ezylang.evalex.operators.OperatorIfc.OPERATOR_PRECEDENCE_POWER;

import com.ezylang.evalex.EvaluationException;
import com.ezylang.evalex.Expression;
import com.ezylang.evalex.config.ExpressionConfiguration;
import com.ezylang.evalex.config.MapBasedFunctionDictionary;
import com.ezylang.evalex.data.EvaluationValue;
import com.ezylang.evalex.functions.AbstractFunction;
import com.ezylang.evalex.functions.FunctionIfc;
import com.ezylang.evalex.functions.FunctionParameter;
import com.ezylang.evalex.functions.basic.AbsFunction;
import com.ezylang.evalex.functions.basic.AverageFunction;
import com.ezylang.evalex.functions.basic.CeilingFunction;
import com.ezylang.evalex.functions.basic.FloorFunction;
import com.ezylang.evalex.functions.basic.IfFunction;
import com.ezylang.evalex.functions.basic.Log10Function;
import com.ezylang.evalex.functions.basic.LogFunction;
import com.ezylang.evalex.functions.basic.MaxFunction;
import com.ezylang.evalex.functions.basic.MinFunction;
import com.ezylang.evalex.functions.basic.SqrtFunction;
import com.ezylang.evalex.functions.basic.SumFunction;
import com.ezylang.evalex.functions.trigonometric.AcosFunction;
import com.ezylang.evalex.functions.trigonometric.AsinFunction;
import com.ezylang.evalex.functions.trigonometric.AtanFunction;
import com.ezylang.evalex.functions.trigonometric.CosFunction;
import com.ezylang.evalex.functions.trigonometric.SinFunction;
import com.ezylang.evalex.functions.trigonometric.TanFunction;
import com.ezylang.evalex.operators.InfixOperator;
import com.ezylang.evalex.operators.arithmetic.InfixPowerOfOperator;
import com.ezylang.evalex.parser.ParseException;
import com.ezylang.evalex.parser.Token;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.camel.Body;

/**
 * Evaluates an arithmetic expression with decimals of up to 68 digits. Trigonometric functions and
 * logarithms are exact to 15 digits. Only the functions listed here exist. Very long numbers are
 * refused because they would take too much time.
 */
public final class Calculator {
  private static final int MOST_EXPONENT = 100_000;
  private static final int MOST_PLACES = 1_000;
  private static final int MOST_ZEROS_SHOWN = 100;
  private static final Pattern LONG_EXPONENT = Pattern.compile("\\d[eE][+-]?\\d{5}");

  private static final ExpressionConfiguration CONFIGURATION = configuration();

  /**
   * Evaluates an expression.
   *
   * @param arguments {@code expression}: operators, numbers and functions
   * @return the value, e.g. {@code 0.3} or {@code true}
   * @throws ToolException when the expression is invalid or has no value
   */
  public String evaluate(@Body Map<String, Object> arguments) {
    String text = (String) arguments.get("expression");
    if (LONG_EXPONENT.matcher(text).find()) {
      throw new ToolException("Exponents of numbers may have four digits at most.");
    }
    try {
      EvaluationValue value = new Expression(text, CONFIGURATION).evaluate();
      return value.isNumberValue() ? shown(value.getNumberValue()) : value.getStringValue();
    } catch (EvaluationException | ParseException | ArithmeticException e) {
      throw new ToolException(
          "\"%s\" cannot be calculated: %s.".formatted(text, e.getMessage()), e);
    }
  }

  private static String shown(BigDecimal value) {
    return Math.abs((long) value.scale()) > MOST_ZEROS_SHOWN
        ? value.toString()
        : value.toPlainString();
  }

  private static ExpressionConfiguration configuration() {
    Map<String, FunctionIfc> functions =
        Map.ofEntries(
            Map.entry("ABS", new AbsFunction()),
            Map.entry("ACOS", new AcosFunction()),
            Map.entry("ASIN", new AsinFunction()),
            Map.entry("ATAN", new AtanFunction()),
            Map.entry("AVERAGE", new AverageFunction()),
            Map.entry("CEILING", new CeilingFunction()),
            Map.entry("COS", new CosFunction()),
            Map.entry("FACT", new Factorial()),
            Map.entry("FLOOR", new FloorFunction()),
            Map.entry("IF", new IfFunction()),
            Map.entry("LOG", new LogFunction()),
            Map.entry("LOG10", new Log10Function()),
            Map.entry("MAX", new MaxFunction()),
            Map.entry("MIN", new MinFunction()),
            Map.entry("ROUND", new Round()),
            Map.entry("SIN", new SinFunction()),
            Map.entry("SQRT", new SqrtFunction()),
            Map.entry("SUM", new SumFunction()),
            Map.entry("TAN", new TanFunction()));
    @SuppressWarnings("unchecked")
    Map.Entry<String, FunctionIfc>[] entries = functions.entrySet().toArray(Map.Entry[]::new);
    return ExpressionConfiguration.builder()
        .functionDictionary(MapBasedFunctionDictionary.ofFunctions(entries))
        .arraysAllowed(false)
        .structuresAllowed(false)
        .build()
        .withAdditionalOperators(Map.entry("^", new Power()));
  }

  private static int whole(Token token, EvaluationValue value, int most)
      throws EvaluationException {
    try {
      int whole = value.getNumberValue().intValueExact();
      if (Math.abs((long) whole) <= most) {
        return whole;
      }
    } catch (ArithmeticException e) {
      // Not a whole number.
    }
    throw new EvaluationException(
        token, "%s takes a whole number up to %d".formatted(token.getValue(), most));
  }

  /** {@code FACT(n)}. */
  @FunctionParameter(name = "n")
  private static final class Factorial extends AbstractFunction {
    @Override
    public EvaluationValue evaluate(
        Expression expression, Token token, EvaluationValue... parameters)
        throws EvaluationException {
      int n = whole(token, parameters[0], MOST_PLACES);
      if (n < 0) {
        throw new EvaluationException(token, "FACT takes no negative number");
      }
      BigInteger product = BigInteger.ONE;
      for (int i = 2; i <= n; i++) {
        product = product.multiply(BigInteger.valueOf(i));
      }
      return expression.convertValue(new BigDecimal(product));
    }
  }

  /** {@code ROUND(value, places)}, rounds half away from zero. */
  @FunctionParameter(name = "value")
  @FunctionParameter(name = "places")
  private static final class Round extends AbstractFunction {
    @Override
    public EvaluationValue evaluate(
        Expression expression, Token token, EvaluationValue... parameters)
        throws EvaluationException {
      int places = whole(token, parameters[1], MOST_PLACES);
      return expression.convertValue(
          parameters[0].getNumberValue().setScale(places, RoundingMode.HALF_UP));
    }
  }

  /** {@code a ^ b}, limited to results that later operations can process quickly. */
  @InfixOperator(precedence = OPERATOR_PRECEDENCE_POWER, leftAssociative = false)
  private static final class Power extends InfixPowerOfOperator {
    @Override
    public EvaluationValue evaluate(Expression expression, Token token, EvaluationValue... operands)
        throws EvaluationException {
      EvaluationValue value = super.evaluate(expression, token, operands);
      BigDecimal number = value.getNumberValue();
      if (Math.abs((long) number.precision() - number.scale()) > MOST_EXPONENT) {
        throw new EvaluationException(token, "the power is too large or too small");
      }
      return value;
    }
  }
}
