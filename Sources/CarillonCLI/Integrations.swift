import APIIntegration
import ArgumentParser
import BusIntegration
import CarillonCore
package import CarillonDaemon
import ExecIntegration
import FilesIntegration
import FrappeIntegration
import KeijiIntegration
import MailIntegration
import MongoStore
import PostgresStore
import RQIntegration
import SQLiteStore

/// The one list: a new system is a folder, a target in Package.swift, and a line here.
extension Composition {
    package static let carillon = Composition(
        integrations: [Exec.self, Files.self, RQ.self, Bus.self, Frappe.self, Keiji.self, API.self, Mail.self],
        stores: stores)

    private static var stores: [any StoreDriver.Type] {
        var all: [any StoreDriver.Type] = [SQLiteDriver.self]
        #if Postgres
            all.append(PostgresDriver.self)
        #endif
        #if MongoDB
            MongoDriver.prepareProcess()
            all.append(MongoDriver.self)
        #endif
        return all
    }
}

extension Carillon {
    /// Commands that a system brings; what it imports stands under `Import`.
    static let systemCommands: [any ParsableCommand.Type] =
        [
            NotifyCommands.self, RQCommands.self, BusCommands.self, BTU.self, TokenCommands.self, OpenCommand.self,
            LoginCommand.self,
            LogoutCommand.self, ContextCommands.self,
        ] + SimpleSchedulerCommands.all
}

extension Import {
    static let importers: [any ParsableCommand.Type] = [
        ImportCrontab.self, ImportBTU.self, ImportKeiji.self, ImportSimpleScheduler.self,
    ]
}
