package api

import (
	"strings"

	"github.com/orrerydb/orrery/internal/platform"
)

// Accesses of service tokens, as PlanetScale's documentation lists them by
// endpoint.
const (
	readBranch     = "read_branch,delete_branch,create_branch,connect_production_branch,connect_branch"
	readDatabase   = "read_database,delete_database,write_database,read_branch,delete_branch,create_branch,promote_branches,demote_branches,connect_production_branch,connect_branch,read_deploy_request,create_deploy_request,approve_deploy_request,review_deploy_request,delete_production_branch,connect_production_read_only_branch,create_branch_password,create_production_branch_password,create_production_read_only_branch_password,delete_branch_password,delete_production_branch_password,delete_production_read_only_branch_password,read_backups,write_backups"
	connectBranch  = "connect_production_branch,connect_production_read_only_branch,connect_branch"
	deletePassword = "delete_production_branch_password,delete_production_read_only_branch_password,delete_branch_password"
	createRole     = "create_production_branch_password,create_production_read_only_branch_password,create_branch_password"
	readRequest    = "read_deploy_request"
	writeRequest   = "create_deploy_request"
	review         = "approve_deploy_request,review_deploy_request"
	safeMigrations = "write_database,promote_branches"
)

func (a *API) routes() {
	const (
		org      = "/v1/organizations/{org}"
		tokens   = org + "/service-tokens"
		database = org + "/databases/{db}"
		branch   = database + "/branches/{branch}"
		keyspace = branch + "/keyspaces/{keyspace}"
		password = branch + "/passwords/{id}"
		role     = branch + "/roles/{id}"
		request  = database + "/deploy-requests/{number}"
	)
	a.handle("GET /v1/user", "", a.user)
	a.handle("GET /v1/regions", "", a.regions)
	a.handle("GET /v1/organizations", "", a.organizations)
	a.handle("GET "+org, "read_organization", a.organization)
	a.handle("GET "+org+"/regions", "read_organization", a.regions)
	a.handle("GET "+org+"/cluster-size-skus", "read_organization", a.clusterSizes)
	a.handle("GET "+org+"/audit-log", "read_audit_logs", a.auditLog)

	a.handle("GET "+tokens, "read_service_tokens", a.serviceTokens)
	a.handle("POST "+tokens, "write_service_tokens", a.createServiceToken)
	a.handle("GET "+tokens+"/{id}", "read_service_tokens", a.serviceToken)
	a.handle("DELETE "+tokens+"/{id}", "delete_service_tokens", a.deleteServiceToken)
	a.handle("GET "+tokens+"/{id}/access", "read_service_tokens", a.tokenAccess)
	a.handle("POST "+tokens+"/{id}/access", "write_service_tokens", a.addTokenAccess)
	a.handle("DELETE "+tokens+"/{id}/access", "write_service_tokens", a.removeTokenAccess)
	a.handle("GET "+tokens+"/{id}/grants", "read_service_tokens", a.tokenGrants)

	a.handle("GET "+org+"/databases", "", a.databases)
	a.handle("POST "+org+"/databases", "create_databases", a.createDatabase)
	a.handle("GET "+database, readDatabase, a.database)
	a.handle("PATCH "+database, "write_database", a.updateDatabase)
	a.handle("DELETE "+database, "delete_database", a.deleteDatabase)

	a.handle("GET "+database+"/branches", readBranch, a.branches)
	a.handle("POST "+database+"/branches", "create_branch,restore_production_branch_backup,restore_backup", a.createBranch)
	a.handle("GET "+branch, readBranch, a.branch)
	a.handle("DELETE "+branch, "delete_branch", a.deleteBranch)
	a.handle("GET "+branch+"/schema", readBranch, a.branchSchema)
	a.handle("GET "+branch+"/schema/lint", readBranch, a.lintBranch)
	a.handle("POST "+branch+"/refresh-schema", readBranch, a.refreshSchema)
	a.handle("GET "+branch+"/diff", readBranch, a.branchDiff)
	a.handle("POST "+branch+"/promote", "connect_production_branch,promote_branches", a.promoteBranch)
	a.handle("POST "+branch+"/demote", "connect_production_branch,demote_branches", a.demoteBranch)
	a.handle("POST "+branch+"/safe-migrations", safeMigrations, a.enableSafeMigrations)
	a.handle("PUT "+branch+"/safe-migrations", safeMigrations, a.setSafeMigrations)
	a.handle("DELETE "+branch+"/safe-migrations", safeMigrations, a.disableSafeMigrations)

	a.handle("GET "+branch+"/keyspaces", "read_branch", a.keyspaces)
	a.handle("POST "+branch+"/keyspaces", "create_branch", a.createKeyspace)
	a.handle("GET "+keyspace, "read_branch", a.keyspace)
	a.handle("DELETE "+keyspace, "delete_branch,delete_production_branch", a.deleteKeyspace)

	a.handle("GET "+branch+"/passwords", readBranch+","+connectBranch, a.passwords)
	a.handle("POST "+branch+"/passwords", connectBranch, a.createPassword)
	a.handle("GET "+password, readBranch+","+connectBranch, a.password)
	a.handle("PATCH "+password, connectBranch, a.updatePassword)
	a.handle("DELETE "+password, deletePassword, a.deletePassword)
	a.handle("POST "+password+"/renew", connectBranch, a.renewPassword)

	a.handle("GET "+branch+"/roles", readBranch+","+connectBranch, a.roles)
	a.handle("POST "+branch+"/roles", createRole, a.createRole)
	a.handle("POST "+branch+"/roles/reset-default", deletePassword, a.resetDefaultRole)
	a.handle("GET "+role, readBranch+","+connectBranch, a.role)
	a.handle("PATCH "+role, createRole, a.updateRole)
	a.handle("DELETE "+role, deletePassword, a.deleteRole)
	a.handle("POST "+role+"/renew", createRole, a.renewRole)
	a.handle("POST "+role+"/reset", deletePassword, a.resetRole)
	a.handle("POST "+role+"/reassign", deletePassword, a.reassignRole)

	a.handle("GET "+database+"/deploy-queue", "", a.deployQueue)
	a.handle("GET "+database+"/deploy-requests", readRequest, a.deployRequests)
	a.handle("POST "+database+"/deploy-requests", writeRequest, a.createDeployRequest)
	a.handle("GET "+request, readRequest, a.deployRequest)
	a.handle("PATCH "+request, writeRequest, a.closeDeployRequest)
	a.handle("GET "+request+"/diff", readRequest, a.deployRequestDiff)
	a.handle("GET "+request+"/deployment", readRequest, a.deployment)
	a.handle("GET "+request+"/operations", readRequest, a.deployOperations)
	a.handle("GET "+request+"/reviews", readRequest, a.reviews)
	a.handle("POST "+request+"/reviews", review, a.createReview)
	a.handle("POST "+request+"/deploy", writeRequest, a.deploy)
	a.handle("POST "+request+"/apply-deploy", writeRequest, a.acting((*platform.Platform).ApplyDeploy))
	a.handle("PUT "+request+"/auto-apply", writeRequest, a.autoApply)
	a.handle("PUT "+request+"/auto-delete-branch", writeRequest, a.autoDeleteBranch)
	a.handle("POST "+request+"/cancel", writeRequest, a.acting((*platform.Platform).CancelDeploy))
	a.handle("POST "+request+"/revert", writeRequest, a.acting((*platform.Platform).Revert))
	a.handle("POST "+request+"/skip-revert", writeRequest, a.acting((*platform.Platform).SkipRevert))
	a.handle("POST "+request+"/complete-deploy", writeRequest, a.acting((*platform.Platform).CompleteErrored))
}

func splitAccess(anyOf string) []string { return strings.Split(anyOf, ",") }
