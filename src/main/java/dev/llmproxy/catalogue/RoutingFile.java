package dev.llmproxy.catalogue;

import dev.llmproxy.base.ProviderSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Settings.SettingException;
import dev.llmproxy.base.YamlFile;
import dev.llmproxy.catalogue.ModelAlias.Targets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/**
 * Reads the aliases of the file {@code providers/routing.yaml} and of the setting {@code
 * MODEL_ALIASES}. An error begins with the file and the line, or with the setting.
 */
final class RoutingFile {
  /** The file's name in the folder {@code providers/}. */
  static final String NAME = "routing.yaml";

  private static final String SHOWN = "providers/" + NAME;
  private static final String ALIASES = "aliases";
  private static final String SETTING = "MODEL_ALIASES";
  private static final String ARROW = "->";
  private static final String MODELS = "models";
  private static final String CONTEXT_LENGTH = "contextLength";
  private static final String CONTENT_POLICY = "contentPolicy";
  private static final String PROMPT = "prompt";
  private static final List<String> ALIAS_FIELDS =
      List.of(MODELS, CONTEXT_LENGTH, CONTENT_POLICY, PROMPT);
  private static final String MODEL = "model";
  private static final String WEIGHT = "weight";
  private static final List<String> TARGET_FIELDS = List.of(MODEL, WEIGHT);
  private static final Pattern WHOLE_NUMBER = Pattern.compile("[0-9]{1,6}");

  private final Set<String> providers;
  private final List<String> problems;

  /**
   * @param providers the names of all providers, on or off
   * @param problems gets a sentence for each problem
   */
  RoutingFile(Set<String> providers, List<String> problems) {
    this.providers = providers;
    this.problems = problems;
  }

  /**
   * The valid aliases of the setting, then those of the file; the first that matches a name counts.
   */
  List<ModelAlias> aliases(Settings settings) {
    List<ModelAlias> aliases = new ArrayList<>();
    for (String each : ProviderSettings.modelAliases(settings).split(",", -1)) {
      if (!each.isBlank()) {
        collect(() -> aliases.add(ofSetting(each)));
      }
    }
    Path file = settings.home().resolve("providers").resolve(NAME);
    if (Files.exists(file)) {
      collect(() -> ofFile(file, aliases));
    }
    return List.copyOf(aliases);
  }

  /** Notes what is wrong with an alias, so that the others are checked too. */
  private void collect(Runnable reading) {
    try {
      reading.run();
    } catch (SettingException e) {
      problems.addAll(e.problems());
    }
  }

  private ModelAlias ofSetting(String each) {
    String[] sides = each.split(ARROW, -1);
    if (sides.length != 2) {
      throw new SettingException(
          "%s has `%s`; it must be a list such as: fast -> groq/llama-3.1-8b-instant | openai/gpt-5-nano, gpt-* -> openai/gpt-*"
              .formatted(SETTING, each.strip()));
    }
    List<String> chain = Arrays.stream(sides[1].split("\\|", -1)).map(String::strip).toList();
    return alias(SETTING, sides[0].strip(), Targets.of(chain));
  }

  private void ofFile(Path file, List<ModelAlias> aliases) {
    Node root = YamlFile.root(file, SHOWN);
    if (root == null) {
      return;
    }
    for (NodeTuple part : entries(root, "the file")) {
      String name = text(part.getKeyNode(), "a name");
      if (!name.equals(ALIASES)) {
        throw wrong(
            part.getKeyNode(), "there is no field `%s`; the field is %s".formatted(name, ALIASES));
      }
      for (NodeTuple entry : entries(part.getValueNode(), ALIASES)) {
        collect(() -> aliases.add(alias(entry)));
      }
    }
  }

  private ModelAlias alias(NodeTuple entry) {
    String name = text(entry.getKeyNode(), "the name of an alias");
    return alias(place(entry.getKeyNode()), name, targets(entry.getValueNode()));
  }

  /** A target, a list of targets, or a map with the list and those for other cases. */
  private static Targets targets(Node value) {
    if (!(value instanceof MappingNode)) {
      return chain(value, List.of(), List.of(), null);
    }
    Map<String, Node> fields = fields(value, "an alias", ALIAS_FIELDS);
    if (!fields.containsKey(MODELS)) {
      throw wrong(value, "an alias needs the field `%s`".formatted(MODELS));
    }
    return chain(
        fields.get(MODELS),
        models(fields.get(CONTEXT_LENGTH)),
        models(fields.get(CONTENT_POLICY)),
        fields.containsKey(PROMPT) ? text(fields.get(PROMPT), "a prompt") : null);
  }

  private static Targets chain(
      Node value, List<String> longContext, List<String> otherPolicy, String prompt) {
    List<Node> nodes = value instanceof SequenceNode list ? list.getValue() : List.of(value);
    List<String> models = new ArrayList<>();
    List<Integer> weights = new ArrayList<>();
    boolean weighted = false;
    for (Node node : nodes) {
      if (node instanceof MappingNode) {
        Map<String, Node> fields = fields(node, "a target", TARGET_FIELDS);
        if (!fields.containsKey(MODEL)) {
          throw wrong(node, "a target needs the field `%s`".formatted(MODEL));
        }
        models.add(text(fields.get(MODEL), "a target"));
        weighted |= fields.containsKey(WEIGHT);
        weights.add(fields.containsKey(WEIGHT) ? weight(fields.get(WEIGHT)) : 1);
      } else {
        models.add(text(node, "a target"));
        weights.add(1);
      }
    }
    if (weighted && weights.stream().allMatch(weight -> weight == 0)) {
      throw wrong(value, "all weights are 0; at least one must be above 0");
    }
    return new Targets(models, weighted ? weights : List.of(), longContext, otherPolicy, prompt);
  }

  private static List<String> models(Node value) {
    if (value == null) {
      return List.of();
    }
    return value instanceof SequenceNode list
        ? list.getValue().stream().map(each -> text(each, "a target")).toList()
        : List.of(text(value, "a target"));
  }

  private static int weight(Node node) {
    String text = text(node, "a weight");
    if (!WHOLE_NUMBER.matcher(text).matches()) {
      throw wrong(
          node, "the weight is `%s`; it must be a whole number from 0 to 999999".formatted(text));
    }
    return Integer.parseInt(text);
  }

  private static Map<String, Node> fields(Node map, String what, List<String> known) {
    Map<String, Node> fields = new HashMap<>();
    for (NodeTuple field : entries(map, what)) {
      String name = text(field.getKeyNode(), "a name");
      if (!known.contains(name)) {
        throw wrong(
            field.getKeyNode(),
            "%s has no field `%s`; the fields are %s"
                .formatted(what, name, String.join(", ", known)));
      }
      fields.put(name, field.getValueNode());
    }
    return fields;
  }

  private static List<NodeTuple> entries(Node node, String what) {
    if (!(node instanceof MappingNode mapping)) {
      throw wrong(node, what + " must have entries such as fast: groq/llama-3.1-8b-instant");
    }
    Set<String> names = new HashSet<>();
    for (NodeTuple entry : mapping.getValue()) {
      String name = text(entry.getKeyNode(), "a name");
      if (!names.add(name)) {
        throw wrong(entry.getKeyNode(), "`%s` is there twice".formatted(name));
      }
    }
    return mapping.getValue();
  }

  private static String text(Node node, String what) {
    if (node instanceof ScalarNode scalar && !scalar.getValue().isBlank()) {
      return scalar.getValue();
    }
    throw wrong(node, what + " must be a text");
  }

  private ModelAlias alias(String place, String name, Targets targets) {
    try {
      int slash = name.indexOf('/');
      if (slash > 0 && providers.contains(name.substring(0, slash))) {
        throw new IllegalArgumentException(
            "begins with the provider `%s`; provider/model always is the provider's model"
                .formatted(name.substring(0, slash)));
      }
      ModelAlias alias = new ModelAlias(name, targets);
      for (String target : targets.all()) {
        String provider = target.substring(0, target.indexOf('/'));
        if (!providers.contains(provider)) {
          throw new IllegalArgumentException(
              "has the target `%s`, and there is no provider `%s`; the providers are %s"
                  .formatted(target, provider, String.join(", ", providers)));
        }
      }
      return alias;
    } catch (IllegalArgumentException e) {
      throw new SettingException("%s: the alias `%s` %s".formatted(place, name, e.getMessage()));
    }
  }

  private static SettingException wrong(Node node, String what) {
    return new SettingException(place(node) + ": " + what);
  }

  private static String place(Node node) {
    return SHOWN + ", line " + (node.getStartMark().getLine() + 1);
  }
}
