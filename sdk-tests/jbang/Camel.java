import org.apache.camel.dsl.jbang.core.commands.CamelJBangMain;

/** The class that jbang runs as "camel". */
class Camel {
  public static void main(String[] arguments) {
    CamelJBangMain.run(arguments);
  }
}
