import CarillonCore
import CarillonTestSupport
import Foundation
import SQLiteStore
import Testing
import Timetable

/// What only a file can do to a store.
@Suite struct SQLiteStoreTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/carillon.db" }

    init() throws { folder = try TemporaryFolder() }

    private func put(_ names: [String], in store: SQLiteStore, _ lease: Lease) async throws -> [StoredJob?] {
        let changes = names.map {
            JobChange.put(Samples.job($0), cursor: Samples.noon, nextDue: Samples.noon.plus(60), skips: [])
        }
        return try await store.apply(changes, lease: lease, now: Samples.noon)
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let store = try SQLiteStore(path: path)
        let lease = try await store.lease(instance: "a", length: 1)
        _ = try await put(["tick"], in: store, lease)
        let id = try await store.storeID()
        try await store.close()
        let again = try SQLiteStore(path: path)
        #expect(try await again.storeID() == id)
        #expect(try await again.job(named: "tick")?.cursor == Samples.noon)
        #expect(try await again.lease(instance: "a", length: 1).term == lease.term + 1)
        try await again.close()
    }

    @Test func everyWriteReachesTheDiskBeforeItIsAnswered() async throws {
        let store = try SQLiteStore(path: path)
        // 2 is FULL, https://www.sqlite.org/pragma.html#pragma_synchronous
        #expect(try await store.setting("synchronous") == 2)
        try await store.close()
    }

    @Test func rubbishIsRefusedWithTheFilesName() async throws {
        try String(repeating: "rubbish ", count: 2_000).write(toFile: path, atomically: true, encoding: .utf8)
        #expect { try SQLiteStore(path: path) } throws: { error in
            (error as? StoreError)?.code == .corrupt && "\(error)".contains(path)
        }
    }

    @Test func aFileReplacedInUseIsNoticed() async throws {
        let store = try SQLiteStore(path: path)
        let lease = try await store.lease(instance: "a", length: 1)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".kept")
        try "rubbish".write(toFile: path, atomically: true, encoding: .utf8)
        try await require(throwing: .corrupt) { try await put(["tick"], in: store, lease) }
        // Put back, it goes on.
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".kept", toPath: path)
        #expect(try await put(["tick"], in: store, lease).count == 1)
        try await store.close()
    }

    @Test func aFullDiskWritesNothingAndHealsWhenThereIsRoom() async throws {
        let small = try SQLiteStore(path: path, largest: 60)
        let lease = try await small.lease(instance: "a", length: 1)
        let names = (0..<2_000).map { "job \($0) \(String(repeating: "x", count: 100))" }
        try await require(throwing: .full) { try await put(names, in: small, lease) }
        #expect(try await small.jobs(after: nil, limit: 10).isEmpty)
        #expect(try await put(["tick"], in: small, lease).count == 1)
        try await small.close()
        let roomy = try SQLiteStore(path: path)
        let next = try await roomy.lease(instance: "a", length: 1)
        #expect(try await put(names, in: roomy, next).count == 2_000)
        try await roomy.close()
    }

    @Test func oneDaemonPerStateDirectory() throws {
        let lock = try StateLock(directory: folder.path)
        #expect { try StateLock(directory: folder.path) } throws: { ($0 as? StoreError)?.code == .busy }
        withExtendedLifetime(lock) {}
    }

    @Test func readersLookWhileADaemonWrites() async throws {
        let store = try SQLiteStore(path: path)
        let lease = try await store.lease(instance: "a", length: 1)
        _ = try await put(["tick"], in: store, lease)
        let reader = try SQLiteStore(reading: path)
        #expect(try await reader.job(named: "tick") != nil)
        await #expect(throws: StoreError.self) { try await reader.setNote("a", "b") }
        try await reader.close()
        try await store.close()
    }

    @Test func callsAfterCloseFailAtOnce() async throws {
        let store = try SQLiteStore(path: path)
        try await store.close()
        await #expect(throws: StoreError.self) { try await store.storeID() }
    }
}
