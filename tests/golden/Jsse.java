// SPDX-License-Identifier: BSD-2-Clause
/* Java's TLS, for what other libraries have forgotten: SSL 3.0, its hello in SSLv2 style, export suites.
 *
 * java Jsse.java server PORT KEYSTORE PROTOCOLS SUITES
 * java Jsse.java client ADDRESS PORT PROTOCOLS SUITES
 *
 * PROTOCOLS and SUITES: with commas between. The server takes connection after connection; each end says a
 * line, and that is all. Certificates are not verified.
 */
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

class Jsse {
	static final char[] PASSWORD = "golden".toCharArray();

	static class Trusting implements X509TrustManager {
		public void checkClientTrusted(X509Certificate[] chain, String type) {}
		public void checkServerTrusted(X509Certificate[] chain, String type) {}
		public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
	}

	static void serve(int port, String store, String[] protocols, String[] suites) throws Exception {
		KeyStore keys = KeyStore.getInstance("PKCS12");
		KeyManagerFactory managers = KeyManagerFactory.getInstance("SunX509");
		SSLContext context = SSLContext.getInstance("TLS");

		keys.load(new FileInputStream(store), PASSWORD);
		managers.init(keys, PASSWORD);
		context.init(managers.getKeyManagers(), null, null);
		SSLServerSocket listening = (SSLServerSocket)context.getServerSocketFactory().createServerSocket(port);
		listening.setEnabledProtocols(protocols);
		listening.setEnabledCipherSuites(suites);
		while (true) {
			try (SSLSocket socket = (SSLSocket)listening.accept()) {
				socket.getInputStream().read();
				socket.getOutputStream().write('\n');
			} catch (java.io.IOException refused) {
				System.err.println(refused);
			}
		}
	}

	static void connect(String address, int port, String[] protocols, String[] suites) throws Exception {
		SSLContext context = SSLContext.getInstance("TLS");

		context.init(null, new TrustManager[] { new Trusting() }, null);
		try (SSLSocket socket = (SSLSocket)context.getSocketFactory().createSocket(address, port)) {
			socket.setEnabledProtocols(protocols);
			socket.setEnabledCipherSuites(suites);
			socket.getOutputStream().write('\n');
			socket.getInputStream().read();
		}
	}

	public static void main(String[] arguments) throws Exception {
		String[] protocols = arguments[3].split(","), suites = arguments[4].split(",");

		Security.setProperty("jdk.tls.disabledAlgorithms", "");
		Security.setProperty("jdk.certpath.disabledAlgorithms", "");
		if (arguments[0].equals("server"))
			serve(Integer.parseInt(arguments[1]), arguments[2], protocols, suites);
		else
			connect(arguments[1], Integer.parseInt(arguments[2]), protocols, suites);
	}
}
