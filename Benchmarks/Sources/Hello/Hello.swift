import Hummingbird
import Logging

/// A bare server, which `scripts/api-load.sh` measures the API against: `Hello PORT` answers anything that asks for `/`.
@main
enum Hello {
    static func main() async throws {
        guard CommandLine.arguments.count == 2, let port = Int(CommandLine.arguments[1]) else {
            fatalError("usage: Hello PORT")
        }
        let router = Router()
        router.get("/") { _, _ in "hello" }
        let app = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: port)),
            logger: Logger(label: "hello") { _ in SwiftLogNoOpLogHandler() })
        try await app.run()
    }
}
