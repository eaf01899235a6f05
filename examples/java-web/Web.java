import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;

/** A web application in Java: what it needs from its surroundings comes in variables. */
public final class Web {
    public static void main(String[] arguments) throws IOException {
        var address = new InetSocketAddress(System.getenv("HOST"), Integer.parseInt(System.getenv("PORT")));
        var server = HttpServer.create(address, 0);
        answer(server, "/", "text/plain", "Hello from Java\n");
        answer(server, "/health", "application/json", "{\"version\": \"" + System.getenv("RELEASE_VERSION") + "\"}");
        server.start();
    }

    private static void answer(HttpServer server, String path, String kind, String text) {
        server.createContext(path, exchange -> {
            exchange.getResponseHeaders().set("Content-Type", kind);
            exchange.sendResponseHeaders(200, text.length());
            exchange.getResponseBody().write(text.getBytes());
            exchange.close();
        });
    }
}
