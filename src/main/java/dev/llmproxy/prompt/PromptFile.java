package dev.llmproxy.prompt;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import com.samskivert.mustache.Template;
import dev.llmproxy.base.Settings.SettingException;
import dev.llmproxy.base.YamlFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * A prompt of the folder {@code prompts/}: messages that stand before those of the client, with
 * variables in the syntax of <a href="https://mustache.github.io/mustache.5.html">Mustache</a>. An
 * error begins with the file and the line.
 *
 * @param version the version that the file names; empty for none
 * @param variables the variables with their default values; null for those that a request must have
 * @param messages at least one
 */
record PromptFile(String version, Map<String, String> variables, List<Message> messages) {
  private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant");

  /** The texts are no HTML. A name without a value fails. */
  private static final Mustache.Compiler COMPILER = Mustache.compiler().escapeHTML(false);

  /** A message whose text has variables. */
  record Message(String role, Template text) {}

  /**
   * @param shown the file's name in errors
   * @throws SettingException when the file is wrong
   */
  static PromptFile read(Path file, String shown) {
    Node root = YamlFile.root(file, shown);
    if (root == null) {
      throw new SettingException(shown + ", line 1: the file has no messages");
    }
    return new Reader(shown).file(root);
  }

  private record Reader(String shown) {
    PromptFile file(Node root) {
      Map<String, Node> fields = fields(root, Set.of("version", "variables", "messages"));
      String version = fields.containsKey("version") ? text(fields.get("version")) : "";
      Map<String, String> variables = new LinkedHashMap<>();
      if (fields.containsKey("variables")) {
        for (NodeTuple entry : entries(fields.get("variables"))) {
          variables.put(text(entry.getKeyNode()), standard(entry.getValueNode()));
        }
      }
      if (!(fields.get("messages") instanceof SequenceNode list) || list.getValue().isEmpty()) {
        throw wrong(root, "the file needs the list `messages`");
      }
      List<Message> messages = new ArrayList<>();
      for (Node node : list.getValue()) {
        messages.add(message(node, variables.keySet()));
      }
      return new PromptFile(version, variables, List.copyOf(messages));
    }

    private Message message(Node node, Set<String> variables) {
      Map<String, Node> fields = fields(node, Set.of("role", "content"));
      for (String field : List.of("role", "content")) {
        if (!fields.containsKey(field)) {
          throw wrong(node, "a message needs the field `%s`".formatted(field));
        }
      }
      String role = text(fields.get("role"));
      if (!ROLES.contains(role)) {
        throw wrong(
            fields.get("role"),
            "`%s` is not one of system, developer, user, assistant".formatted(role));
      }
      return new Message(role, template(fields.get("content"), variables));
    }

    private Template template(Node node, Set<String> variables) {
      Template template;
      try {
        template = COMPILER.compile(text(node));
      } catch (MustacheException e) {
        throw wrong(node, "the text is no Mustache template: " + e.getMessage());
      }
      for (String name : names(template)) {
        if (!variables.contains(name)) {
          throw wrong(node, "the variable `%s` is not under `variables`".formatted(name));
        }
      }
      return template;
    }

    private static Set<String> names(Template template) {
      Set<String> names = new LinkedHashSet<>();
      template.visit(
          new Mustache.Visitor() {
            @Override
            public void visitText(String text) {}

            @Override
            public void visitVariable(String name) {
              if (!name.equals(".")) {
                names.add(name);
              }
            }

            @Override
            public boolean visitInclude(String name) {
              names.add("> " + name);
              return false;
            }

            @Override
            public boolean visitSection(String name) {
              names.add(name);
              return true;
            }

            @Override
            public boolean visitInvertedSection(String name) {
              names.add(name);
              return true;
            }
          });
      return names;
    }

    private String standard(Node node) {
      return node.getTag().equals(Tag.NULL) ? null : text(node);
    }

    private Map<String, Node> fields(Node map, Set<String> known) {
      Map<String, Node> fields = new LinkedHashMap<>();
      for (NodeTuple entry : entries(map)) {
        String name = text(entry.getKeyNode());
        if (!known.contains(name)) {
          throw wrong(
              entry.getKeyNode(),
              "there is no field `%s`; the fields are %s"
                  .formatted(name, String.join(", ", known.stream().sorted().toList())));
        }
        fields.put(name, entry.getValueNode());
      }
      return fields;
    }

    private List<NodeTuple> entries(Node node) {
      if (!(node instanceof MappingNode mapping)) {
        throw wrong(node, "this must have names and values");
      }
      Set<String> names = new LinkedHashSet<>();
      for (NodeTuple entry : mapping.getValue()) {
        if (!names.add(text(entry.getKeyNode()))) {
          throw wrong(
              entry.getKeyNode(), "`%s` is there twice".formatted(text(entry.getKeyNode())));
        }
      }
      return mapping.getValue();
    }

    private String text(Node node) {
      if (node instanceof ScalarNode scalar) {
        return scalar.getValue();
      }
      throw wrong(node, "this must be a text");
    }

    private SettingException wrong(Node node, String what) {
      return new SettingException(
          "%s, line %d: %s".formatted(shown, node.getStartMark().getLine() + 1, what));
    }
  }
}
