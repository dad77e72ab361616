package example;

import java.io.FileInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallbackExtended;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.eclipse.paho.client.mqttv3.internal.security.SSLSocketFactoryFactory;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * A device on Eclipse Paho: its key store and trust store (PKCS#12, or JKS by the file's name) are all it needs.
 *
 * <p>It registers, sends a temperature now and then, does what it is told, keeps a token for REST fresh, and comes back by
 * itself when the connection breaks. Settings come from the environment, as {@code certinel onboard} writes them into
 * NAME.env.
 */
public final class Device implements MqttCallbackExtended {
  private static final String NAME = setting("DEVICE_NAME", null);
  private static final String URL = setting("DEVICE_URL", null);
  private static final String TRUSTSTORE = setting("DEVICE_TRUSTSTORE", ""); // empty: whom Java trusts
  private static final long INTERVAL_MS = (long) (1000 * Double.parseDouble(setting("DEVICE_INTERVAL", "10")));
  private static final String RENEW_AFTER = setting("DEVICE_RENEW_AFTER", ""); // seconds; half of a token's life
  private static final long RETRY_AFTER_SECONDS = 60; // for a request for a token that nobody has answered
  private static final long PATIENCE_MS = 30_000;

  /** Does all the work: a callback of Paho must not wait for another answer. */
  private final ScheduledExecutorService worker = Executors.newSingleThreadScheduledExecutor();

  private final char[] storePassword;
  private final MqttAsyncClient client;
  private Future<?> renewal;
  private volatile boolean isRegistered; // on this connection; what is sent earlier would create the device nameless

  private Device() throws IOException, MqttException {
    storePassword = storePassword();
    String broker = "ssl://" + setting("DEVICE_HOST", null) + ":" + setting("DEVICE_MQTT_PORT", "8883");
    client = new MqttAsyncClient(broker, "d:" + NAME, new MemoryPersistence());
    client.setCallback(this);
  }

  public static void main(String[] arguments) throws Exception {
    Device device = new Device();
    Runtime.getRuntime().addShutdownHook(new Thread(device::leave));
    device.worker.execute(device::connect);
    device.worker.scheduleAtFixedRate(device::measure, INTERVAL_MS, INTERVAL_MS, TimeUnit.MILLISECONDS);
  }

  private MqttConnectOptions options() {
    Properties tls = new Properties();
    tls.put(SSLSocketFactoryFactory.KEYSTORE, setting("DEVICE_KEYSTORE", null));
    tls.put(SSLSocketFactoryFactory.KEYSTORETYPE, storeType(setting("DEVICE_KEYSTORE", null)));
    tls.put(SSLSocketFactoryFactory.KEYSTOREPWD, new String(storePassword));
    if (!TRUSTSTORE.isEmpty()) {
      tls.put(SSLSocketFactoryFactory.TRUSTSTORE, TRUSTSTORE);
      tls.put(SSLSocketFactoryFactory.TRUSTSTORETYPE, storeType(TRUSTSTORE));
      tls.put(SSLSocketFactoryFactory.TRUSTSTOREPWD, new String(storePassword));
    }
    MqttConnectOptions options = new MqttConnectOptions();
    options.setSSLProperties(tls);
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    options.setKeepAliveInterval(60);
    options.setAutomaticReconnect(true); // after a connection that was there; the first one is tried again below
    options.setMaxReconnectDelay(60_000);
    return options;
  }

  private void connect() {
    try {
      client.connect(options()).waitForCompletion(PATIENCE_MS);
    } catch (MqttException refused) {
      tell("refused: " + refused.getMessage());
      worker.schedule(this::connect, 5, TimeUnit.SECONDS);
    }
  }

  /** After the first connect and after every reconnect: the platform keeps no session, so subscribe each time. */
  @Override
  public void connectComplete(boolean reconnect, String serverUri) {
    tell("connected as d:" + NAME);
    worker.execute(
        () -> {
          try {
            client.subscribe(new String[] {"s/ds", "s/e", "s/dat"}, new int[] {1, 1, 1}).waitForCompletion(PATIENCE_MS);
            publish("s/us", "100," + NAME + ",example_Thermometer"); // creates the device
            isRegistered = true;
            askForToken();
          } catch (MqttException error) {
            tell("error: " + error.getMessage()); // the connection is gone again: connectComplete follows
          }
        });
  }

  @Override
  public void connectionLost(Throwable cause) {
    isRegistered = false;
    tell("disconnected: " + cause.getMessage());
  }

  @Override
  public void messageArrived(String topic, MqttMessage message) {
    String text = new String(message.getPayload(), StandardCharsets.UTF_8);
    worker.execute(() -> act(topic, text));
  }

  @Override
  public void deliveryComplete(IMqttDeliveryToken token) {}

  private void act(String topic, String text) {
    try {
      if (topic.equals("s/dat") && text.startsWith("71,")) {
        use(text.substring(3));
      } else if (topic.equals("s/ds")) {
        tell("operation: " + text);
        for (String reply : repliesTo(text)) {
          publish("s/us", reply);
        }
      } else if (topic.equals("s/e") && !text.startsWith("41,100,")) { // that: it is there already, fine
        tell("error: " + text);
      }
    } catch (MqttException error) {
      tell("error: " + error.getMessage());
    }
  }

  /** Carries out one operation, a SmartREST row, and returns the rows that say how it went. Here: 510, restart. */
  static List<String> repliesTo(String operation) {
    return operation.startsWith("510,") ? List.of("501,c8y_Restart", "503,c8y_Restart") : List.of();
  }

  private void measure() {
    String row = String.format(Locale.ROOT, "211,%.1f", 20 + 5 * Math.random());
    try {
      if (isRegistered) {
        publish("s/us", row);
        tell("sent " + row);
      }
    } catch (MqttException error) {
      tell("error: " + error.getMessage());
    }
  }

  /** Publishes one message and returns when the platform has stored it. */
  private void publish(String topic, String text) throws MqttException {
    client.publish(topic, text.getBytes(StandardCharsets.UTF_8), 1, false).waitForCompletion(PATIENCE_MS);
  }

  // ---- the token

  private void askForToken() {
    renewIn(RETRY_AFTER_SECONDS);
    try {
      publish("s/uat", ""); // the token comes on s/dat
    } catch (MqttException error) {
      tell("error: " + error.getMessage());
    }
  }

  private void renewIn(long seconds) {
    if (renewal != null) {
      renewal.cancel(false);
    }
    renewal = worker.schedule(this::askForToken, seconds, TimeUnit.SECONDS);
  }

  private void use(String token) {
    long wait = RENEW_AFTER.isEmpty() ? renewalIn(token, Instant.now()) : Long.parseLong(RENEW_AFTER);
    renewIn(wait);
    tell("token, to be renewed in " + wait + " s");
    try {
      tell("REST says I am managed object " + callRest(token));
    } catch (IOException | GeneralSecurityException error) { // 401: the token is no longer good
      tell("REST: " + error.getMessage());
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  /** Seconds until half of the token's life is over: only from then on the platform gives a new one. */
  static long renewalIn(String token, Instant now) {
    String claims = new String(Base64.getUrlDecoder().decode(token.split("\\.")[1]), StandardCharsets.UTF_8);
    long issued = Long.parseLong(found("\"iat\":(\\d+)", claims));
    long half = (Long.parseLong(found("\"exp\":(\\d+)", claims)) - issued) / 2;
    long left = Math.min(half, issued + half - now.getEpochSecond());
    return Math.max(30, left); // a clock that is wrong shall not cause a storm
  }

  private String callRest(String token) throws IOException, InterruptedException, GeneralSecurityException {
    HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(Duration.ofMillis(PATIENCE_MS));
    if (!TRUSTSTORE.isEmpty()) {
      builder.sslContext(trust());
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(URL + "/identity/externalIds/c8y_Serial/" + inUrl(NAME)))
            .header("Authorization", "Bearer " + token)
            .timeout(Duration.ofMillis(PATIENCE_MS))
            .build();
    HttpResponse<String> answer = builder.build().send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException("HTTP " + answer.statusCode());
    }
    return found("\"managedObject\":\\{[^}]*\"id\":\"(\\d+)\"", answer.body());
  }

  private SSLContext trust() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(storeType(TRUSTSTORE));
    try (FileInputStream file = new FileInputStream(TRUSTSTORE)) {
      store.load(file, storePassword);
    }
    TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusted.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trusted.getTrustManagers(), null);
    return context;
  }

  // ---- small things

  private void leave() {
    worker.shutdownNow();
    try {
      client.disconnectForcibly(1000, 1000);
    } catch (MqttException error) {
      tell("error: " + error.getMessage());
    }
  }

  private static String found(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    if (!matcher.find()) {
      throw new IllegalArgumentException("there is no " + pattern);
    }
    return matcher.group(1);
  }

  private static char[] storePassword() throws IOException {
    String file = setting("DEVICE_STORE_PASSPHRASE_FILE", "");
    String password = file.isEmpty() ? setting("CERTINEL_STORE_PASSPHRASE", null) : Files.readString(Path.of(file));
    return password.lines().findFirst().orElse("").toCharArray();
  }

  private static String inUrl(String name) {
    return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static String storeType(String file) {
    return file.endsWith(".jks") ? "JKS" : "PKCS12";
  }

  private static String setting(String name, String otherwise) {
    String value = System.getenv().getOrDefault(name, otherwise);
    if (value == null) {
      throw new IllegalArgumentException(name + " is not set: set -a; . NAME.env");
    }
    return value;
  }

  private static synchronized void tell(String words) {
    System.out.println(words);
  }
}
