import Foundation

/// A certificate authority, and a certificate by it for localhost and 127.0.0.1; made by openssl, good for two days.
public struct TestCertificates: Sendable {
    public let caFile: String
    public let certificateFile: String
    public let keyFile: String

    public init(in folder: TemporaryFolder) throws {
        let path = folder.path
        caFile = path + "/ca.crt"
        certificateFile = path + "/server.crt"
        keyFile = path + "/server.key"
        let extensions = try folder.write("server.cnf", "subjectAltName = DNS:localhost, IP:127.0.0.1\n")
        // Elliptic curves: RSA keys take seconds to make.
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try Self.openssl(
            ["req", "-x509"] + curve + [
                "-days", "2", "-subj", "/CN=Carillon tests", "-keyout", path + "/ca.key", "-out", caFile,
            ])
        try Self.openssl(
            ["req"] + curve + ["-subj", "/CN=localhost", "-keyout", keyFile, "-out", path + "/server.csr"])
        try Self.openssl([
            "x509", "-req", "-in", path + "/server.csr", "-CA", caFile, "-CAkey", path + "/ca.key", "-set_serial", "1",
            "-days", "2", "-extfile", extensions, "-out", certificateFile,
        ])
    }

    private static func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        let complaints = Pipe.unshared()
        process.standardError = complaints
        do {
            try process.start()
        } catch {
            throw ConformanceFailure(description: "openssl does not start (apt install openssl): \(error)")
        }
        let text = String(decoding: complaints.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.awaitEnd()
        guard process.terminationStatus == 0 else {
            throw ConformanceFailure(description: "openssl \(arguments.joined(separator: " ")) failed: \(text)")
        }
    }
}
