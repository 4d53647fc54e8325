package dev.llmproxy.tool;

import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.logging.Level;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.ExchangeProperty;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.uhighlight.DefaultPassageFormatter;
import org.apache.lucene.search.uhighlight.UnifiedHighlighter;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.QueryBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Full-text search in the documents of a folder, for use without web access. Indexes {@code .md}
 * and {@code .txt} files, split at their headings. The index is built in memory at the first
 * search.
 */
public final class DocumentIndex {
  /** The setting that names the folder. */
  public static final String SETTING = "SEARCH_DOCS";

  private static final Logger LOG = LoggerFactory.getLogger(DocumentIndex.class);

  /** Lucene warns about a missing JDK module, which makes no difference for such a small index. */
  private static final java.util.logging.Logger OF_VECTORS =
      java.util.logging.Logger.getLogger(
          "org.apache.lucene.internal.vectorization.VectorizationProvider");

  static {
    OF_VECTORS.setLevel(Level.SEVERE);
  }

  private static final int MOST_RESULTS = 5;
  private static final long MOST_FILE_BYTES = 2 << 20;
  private static final Pattern HEADINGS = Pattern.compile("(?m)^(?=#{1,3} )");
  private static final int PASSAGES = 2;
  private static final float WEIGHT_OF_TITLES = 2;
  private static final String TITLE = "title";
  private static final String TEXT = "text";
  private static final String PLACE = "place";

  private final Path folder;
  private final Analyzer analyzer = new EnglishAnalyzer();
  private final ReentrantLock lock = new ReentrantLock();
  private volatile IndexSearcher searcher;

  /** A heading of a file and the text under it. */
  private record Section(String title, String text) {}

  /**
   * @param folder searched with its sub-folders; null for no documents
   */
  public DocumentIndex(Path folder) {
    this.folder = folder;
  }

  /** The folder that the setting names. A relative path starts at the home folder. */
  public static Optional<Path> folder(Settings settings) {
    return settings.find(SETTING).map(settings.home()::resolve);
  }

  /**
   * The sections that match a query, best match first.
   *
   * @return at most five; their URL is the file's path within the folder
   * @throws ToolException when the setting is empty
   */
  public List<SearchResult> search(@ExchangeProperty("query") String question) {
    if (folder == null) {
      throw SearchEngines.notConfigured();
    }
    try {
      IndexSearcher index = index();
      Query query = query(question);
      TopDocs found = index.search(query, MOST_RESULTS);
      String[] snippets = snippets(index, query, found);
      List<SearchResult> results = new ArrayList<>();
      for (int i = 0; i < found.scoreDocs.length; i++) {
        ScoreDoc score = found.scoreDocs[i];
        Document document = index.storedFields().document(score.doc);
        results.add(
            new SearchResult(document.get(TITLE), document.get(PLACE), snippets[i].strip()));
      }
      return results;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Query query(String question) {
    QueryBuilder words = new QueryBuilder(analyzer);
    BooleanQuery.Builder query = new BooleanQuery.Builder();
    Query inTitle = words.createBooleanQuery(TITLE, question);
    Query inText = words.createBooleanQuery(TEXT, question);
    if (inTitle != null) {
      query.add(new BoostQuery(inTitle, WEIGHT_OF_TITLES), Occur.SHOULD);
      query.add(inText, Occur.SHOULD);
    }
    return query.build();
  }

  private String[] snippets(IndexSearcher index, Query query, TopDocs found) throws IOException {
    if (found.scoreDocs.length == 0) {
      return new String[0];
    }
    return UnifiedHighlighter.builder(index, analyzer)
        .withFormatter(new DefaultPassageFormatter("", "", " … ", false))
        .build()
        .highlight(TEXT, query, found, PASSAGES);
  }

  private IndexSearcher index() throws IOException {
    if (searcher == null) {
      lock.lock();
      try {
        if (searcher == null) {
          searcher = new IndexSearcher(DirectoryReader.open(written()));
        }
      } finally {
        lock.unlock();
      }
    }
    return searcher;
  }

  private Directory written() throws IOException {
    Directory directory = new ByteBuffersDirectory();
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(analyzer))) {
      for (Path file : files()) {
        add(writer, file);
      }
    }
    return directory;
  }

  private List<Path> files() throws IOException {
    if (!Files.isDirectory(folder)) {
      LOG.warn("{} does not name a folder: {}", SETTING, folder);
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).filter(DocumentIndex::readable).sorted().toList();
    }
  }

  private static boolean readable(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    try {
      return (name.endsWith(".md") || name.endsWith(".txt")) && Files.size(file) <= MOST_FILE_BYTES;
    } catch (IOException e) {
      return false;
    }
  }

  private void add(IndexWriter writer, Path file) throws IOException {
    String content;
    try {
      content = Files.readString(file);
    } catch (MalformedInputException e) {
      LOG.warn("{} is not searched because it is not UTF-8", file);
      return;
    }
    String place = folder.relativize(file).toString().replace('\\', '/');
    for (Section section : sections(place, content)) {
      Document document = new Document();
      document.add(new TextField(TITLE, section.title(), Field.Store.YES));
      document.add(new TextField(TEXT, section.text(), Field.Store.YES));
      document.add(new StringField(PLACE, place, Field.Store.YES));
      writer.addDocument(document);
    }
  }

  private static List<Section> sections(String place, String content) {
    List<Section> sections = new ArrayList<>();
    String page = null;
    for (String part : HEADINGS.split(content, 0)) {
      boolean headed = part.startsWith("#");
      int end = headed ? (part + "\n").indexOf('\n') : 0;
      String heading = headed ? part.substring(0, end).replaceFirst("^#+ ", "").strip() : place;
      page = page == null ? heading : page;
      String text = part.substring(Math.min(end, part.length())).strip();
      if (!text.isEmpty()) {
        sections.add(new Section(heading.equals(page) ? page : page + ": " + heading, text));
      }
    }
    return sections;
  }
}
